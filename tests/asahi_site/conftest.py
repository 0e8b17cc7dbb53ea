"""A `var` directory of one's own, which an unprivileged Postgres can reach."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def var() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="asahi-var-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)
