"""Django's settings. Asahi's own live in `asahi_site/config.py`; this module turns them into what Django expects."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from asahi_site.config import BASE_DIR, Config, redis_url_from_environment

ASAHI = Config()
VAR_DIR = ASAHI.var_dir
PRODUCTION = ASAHI.site.environment == "production"


def _read_embedded_endpoints() -> dict[str, str]:
    """What `manage.py up` started on this machine: URLs and generated secrets. Empty when nothing is embedded."""
    path = VAR_DIR / "embedded.json"
    if PRODUCTION or not path.exists():
        return {}
    endpoints: dict[str, str] = json.loads(path.read_text())
    return endpoints


def _require(name: str, value: str) -> str:
    if PRODUCTION and not value:
        raise ImproperlyConfigured(f"{name} must be set when ASAHI_SITE_ENVIRONMENT=production")
    return value


_embedded = _read_embedded_endpoints()

DEBUG = False
SECRET_KEY = _require("ASAHI_SITE_SECRET_KEY", ASAHI.site.secret_key.get_secret_value()) or _embedded.get(
    "secret_key", "development-only-secret-key-that-is-never-used-in-production"
)
ENCRYPTION_KEY = _require("ASAHI_ENCRYPTION_KEY", ASAHI.encryption_key.get_secret_value()) or _embedded.get(
    "encryption_key", "0" * 64
)
DATABASE_URL = _require("DATABASE_URL", os.environ.get("DATABASE_URL", "")) or _embedded.get("database_url", "")
REDIS_URL = redis_url_from_environment() or _embedded.get("redis_url", "redis://127.0.0.1:6379/0")
SIMULATOR_URL = ASAHI.providers.simulator_url or _embedded.get("simulator_url", "")
PORT = int(os.environ.get("PORT", "8000"))
BASE_URL = ASAHI.site.base_url or f"http://127.0.0.1:{PORT}"

ALLOWED_HOSTS = [*ASAHI.site.allowed_hosts, *([] if PRODUCTION else ["testserver"])]
ROOT_URLCONF = "asahi_site.urls"
ASGI_APPLICATION = "asahi_site.asgi.application"
AUTH_USER_MODEL = "governance.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
SITE_ID = 1

INSTALLED_APPS = [
    # Gives `runserver` sockets, and every other process 15 MB of Twisted; must come before staticfiles.
    *(["daphne"] if sys.argv[1:2] == ["runserver"] else []),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "csp",
    "django_htmx",
    "ninja",
    "rest_framework",
    "asahi_site",
    "governance",
    "caching",
    "analytics",
    "inference",
    "billing",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "governance.middleware.WorkspaceMiddleware",
    "asahi_site.api_errors.ApiErrorMiddleware",  # the innermost: what it makes anew has no headers of the others
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "asahi_site.context.site",
            ],
        },
    }
]

DATABASES: dict[str, Any] = (
    {"default": dict(dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True))}
    if DATABASE_URL
    else {}
)

CACHES = {
    "default": {"BACKEND": "asahi_site.shared_cache.SharedPoolCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "django"}
}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"governance.drain_outbox": {"queue": "default"}, "inference.*": {"queue": "default"}}
CELERY_TASK_ACKS_LATE = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A request that wakes a worker must not wait for a broker that is away.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 10}
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "drain-outbox": {"task": "governance.drain_outbox", "schedule": 10.0, "options": {"expires": 10}},
    "advance-batches": {"task": "inference.advance_batches", "schedule": 10.0, "options": {"expires": 10}},
    "clear-files": {"task": "inference.clear_files", "schedule": 3600.0, "options": {"expires": 3600}},
    "make-responses": {"task": "inference.make_responses", "schedule": 10.0, "options": {"expires": 10}},
    "clear-caches": {"task": "caching.clear_expired", "schedule": 3600.0, "options": {"expires": 3600}},
    "clear-responses": {"task": "inference.clear_responses", "schedule": 3600.0, "options": {"expires": 3600}},
    "clear-answers": {"task": "inference.clear_idempotent_calls", "schedule": 3600.0, "options": {"expires": 3600}},
}

WORKSHOP = "asahi_site.wiring.working"  # what `inference.worker` makes calls with, which must not know this package

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "governance.forms.SignupForm"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_TOTP_ISSUER = "Asahi"
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_PREVENT_ENUMERATION = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/getting-started"
LOGOUT_REDIRECT_URL = "/"

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = ASAHI.from_email or ASAHI.email.from_address

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "asahi_site.static_storage.StaticFilesStorage"},
}

SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ASAHI.site.trusted_proxies else None
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "object-src": [NONE],
    }
}

REST_FRAMEWORK = {"EXCEPTION_HANDLER": "asahi_site.rest_errors.handle", "UNAUTHENTICATED_USER": None}

LOGGING_CONFIG = "asahi_site.logs.configure"
LOGGING = {"level": ASAHI.site.log_level}
