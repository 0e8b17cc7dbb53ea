"""What is kept of a batch of messages."""

from __future__ import annotations

import time
from asyncio import Task
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
_DAY = 24 * 3600


@dataclass(slots=True)
class MessageBatch:
    """Results are told all at once, when the batch has ended."""

    id: str
    results_url: str
    total: int
    created: float = field(default_factory=time.time)
    cancelled: float | None = None
    ended: float | None = None
    results: list[Json] = field(default_factory=list)
    work: Task[None] | None = None

    def shown(self) -> Json:
        counts = dict.fromkeys(("succeeded", "errored", "canceled", "expired"), 0)
        for result in self.results if self.ended else ():
            counts[result["result"]["type"]] += 1
        status = "ended" if self.ended else "canceling" if self.cancelled else "in_progress"
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {"processing": 0 if self.ended else self.total, **counts},
            "ended_at": _moment(self.ended),
            "created_at": _moment(self.created),
            "expires_at": _moment(self.created + _DAY),
            "archived_at": None,
            "cancel_initiated_at": _moment(self.cancelled),
            "results_url": self.results_url if self.ended else None,
        }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
