"""Secrets that are generated once per project and kept in `var/secrets.json`, readable by their owner alone."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What the embedded servers and Django are protected with."""

    secret_key: str
    encryption_key: str
    postgres_password: str
    valkey_password: str


def load_or_create(path: Path) -> Credentials:
    """The project's secrets. They are on disk before anything is encrypted with them."""
    known = read_private(path)
    fresh = Credentials(
        secret_key=secrets.token_urlsafe(48),
        encryption_key=secrets.token_hex(32),
        postgres_password=secrets.token_hex(24),
        valkey_password=secrets.token_hex(24),
    )
    credentials = Credentials(**{name: known.get(name, value) for name, value in asdict(fresh).items()})
    if asdict(credentials) != known:
        write_private(path, asdict(credentials))
    return credentials


def read_private(path: Path) -> dict[str, Any]:
    """A small JSON file of ours, empty when there is none."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return content if isinstance(content, dict) else {}


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write a file that its owner alone may read, whole or not at all, also when the power fails."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
