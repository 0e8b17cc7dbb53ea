"""The product's own settings, read once the servers of this run are there to be named."""

from __future__ import annotations

import os

from tests.servers import provide

provide()
# What the product allows Redis, the embedder and T2's store by default is less than a busy test machine may take.
os.environ["ASAHI_CACHE_REDIS_TIMEOUT_MS"] = "500"
os.environ["ASAHI_CACHE_EMBEDDING_TIMEOUT_MS"] = "5000"
os.environ["ASAHI_CACHE_STORE_TIMEOUT_MS"] = "500"
os.environ["DJANGO_SETTINGS_MODULE"] = "asahi_site.settings"  # for the commands that tests start

from asahi_site.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests sign up many people
# Requests are answered in many threads, whose connections would outlive the database.
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
