"""Where the tests of the embedded servers let them work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as somebody else")

forking_is_fine = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
"""Servers of other tests may have threads in this process; the product's supervisor never has."""


def processes_in(directory: Path) -> list[int]:
    """The processes whose current directory is this one, as both servers' is that of their data."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == directory:
                found.append(int(entry.name))
        except OSError:
            continue
    return found
