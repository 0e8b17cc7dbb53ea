"""The real Postgres and Valkey that a run of the tests works on: its own, started for it and gone after it.

`ASAHI_TEST_DATABASE_URL` and `ASAHI_TEST_REDIS_URL` name servers that run already, for a quicker round. The variables
that the product itself reads are never used here: a developer's shell may point them at data worth keeping.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from asahi_site.embedded.postgres import EmbeddedPostgres
from asahi_site.embedded.server import running
from asahi_site.embedded.valkey import EmbeddedValkey

DATABASE = "ASAHI_TEST_DATABASE_URL"
REDIS = "ASAHI_TEST_REDIS_URL"

_FOREIGN = (
    "REDIS_PRIVATE_URL",
    "REDIS_TLS_URL",
    "REDISCLOUD_URL",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "COHERE_API_KEY",
    "STRIPE_SECRET_KEY",
    "SENDGRID_API_KEY",
    "SENTRY_DSN",
    "PORT",
)
"""What would make a test depend on who runs it, or call a stranger."""


def provide() -> None:
    """Point the environment at the servers of this run, starting those that are not named."""
    for name in (
        *_FOREIGN,
        *(name for name in os.environ if name.startswith("ASAHI_") and name not in (DATABASE, REDIS)),
    ):
        os.environ.pop(name, None)
    var = Path(tempfile.mkdtemp(prefix="asahi-tests-"))
    var.chmod(0o711)  # under root, Postgres runs as somebody else and has to reach its data
    until_exit = ExitStack()
    atexit.register(until_exit.close)
    until_exit.callback(shutil.rmtree, var, ignore_errors=True)
    (var / "static").mkdir()  # WhiteNoise warns of a missing one, and a warning is an error here
    os.environ["ASAHI_VAR_DIR"] = str(var)
    os.environ["DATABASE_URL"] = os.environ.get(DATABASE) or _postgres(var, until_exit)
    os.environ["REDIS_URL"] = os.environ.get(REDIS) or _valkey(var, until_exit)


def _postgres(var: Path, until_exit: ExitStack) -> str:
    server = EmbeddedPostgres(var, password="tests", durable=False)
    url = until_exit.enter_context(running(server))
    until_exit.callback(shutil.rmtree, server.data, ignore_errors=True)
    return url


def _valkey(var: Path, until_exit: ExitStack) -> str:
    return until_exit.enter_context(running(EmbeddedValkey(var, password="tests", durable=False)))
