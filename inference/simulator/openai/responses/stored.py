"""What is kept of a response."""

from __future__ import annotations

from asyncio import Task
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class StoredResponse:
    """`turns` is all that a next response would read: earlier turns, the input, and the output once it is there."""

    body: Json
    input_items: list[Json]
    turns: list[Json]
    work: Task[None] | None = None
