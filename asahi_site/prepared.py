"""Whether this start has anything to prepare that `web` would have to wait for.

Mostly it has not: the last start migrated, collected and seeded, and nothing has changed since. Then looking after it
costs no time, since it can go on beside the start of the processes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_MATTERS = ("requirements.txt", "*/migrations/*.py", "static/**/*", "*/static/**/*", "*/settings.py")


class Preparedness:
    """Remembers, in a file beside the data, for which state of the project the data was last prepared."""

    def __init__(self, project: Path, *, data: Path, stamp: Path) -> None:
        self._stamp = stamp
        self._fingerprint = _fingerprint(project, data)

    def is_current(self) -> bool:
        return self._stamp.exists() and self._stamp.read_text() == self._fingerprint

    def note(self) -> None:
        """What was found at the start is prepared now."""
        self._stamp.write_text(self._fingerprint)


def _fingerprint(project: Path, data: Path) -> str:
    """Changes with each file that a migration or a page's assets come from, and with the database itself."""
    files = {path for pattern in _MATTERS for path in project.glob(pattern)} | {data / "PG_VERSION"}
    digest = hashlib.sha256()
    for path in sorted(files):
        found = path.stat()
        digest.update(f"{path}\0{found.st_ino}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
