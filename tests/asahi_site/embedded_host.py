"""A program that runs both embedded servers until it is killed: `python -m tests.asahi_site.embedded_host VAR`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from asahi_site.embedded.postgres import EmbeddedPostgres
from asahi_site.embedded.server import running
from asahi_site.embedded.valkey import EmbeddedValkey

if __name__ == "__main__":
    var = Path(sys.argv[1])
    with (
        running(EmbeddedPostgres(var, password="tests")) as database_url,
        running(EmbeddedValkey(var, password="tests")) as redis_url,
    ):
        sys.stdout.write(f"{database_url} {redis_url}\n")
        sys.stdout.flush()
        time.sleep(600)
