"""What is kept of uploaded files and of batches over them."""

from __future__ import annotations

import time
from asyncio import Task
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
_LIFETIME = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class StoredFile:
    id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int = field(default_factory=lambda: int(time.time()))
    expires_after: int | None = None

    def shown(self) -> Json:
        """As the provider describes it; files of batches do not live for ever."""
        lifetime = self.expires_after or (_LIFETIME if self.purpose.startswith("batch") else None)
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": self.created_at + lifetime if lifetime else None,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


@dataclass(slots=True)
class FileBatch:
    """A batch and its description, which changes while it is worked on."""

    body: Json
    work: Task[None] | None = None

    def move(self, status: str, **more: Any) -> None:
        """Enter a status, and when that was."""
        self.body |= {"status": status, f"{status}_at": int(time.time()), **more}
