"""Responses that were kept: by their own id, and as turns of a conversation."""

from __future__ import annotations

from asyncio import Task
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
_KEPT = 10_000


@dataclass(slots=True)
class StoredResponse:
    """`turns` is all that a next response would read: earlier turns, the input, and the output once it is there."""

    body: Json
    input_items: list[Json]
    turns: list[Json]
    work: Task[None] | None = None


@dataclass(slots=True)
class ResponseStore:
    """Bounded: the oldest response goes first. A conversation is there from the moment it is first named."""

    _responses: OrderedDict[tuple[str, str], StoredResponse] = field(default_factory=OrderedDict)
    _conversations: OrderedDict[tuple[str, str], list[Json]] = field(default_factory=OrderedDict)

    def keep(self, provider: str, response: StoredResponse) -> None:
        self._responses[provider, response.body["id"]] = response
        if len(self._responses) > _KEPT:
            self._responses.popitem(last=False)

    def find(self, provider: str, response_id: str) -> StoredResponse | None:
        return self._responses.get((provider, response_id))

    def forget(self, provider: str, response_id: str) -> bool:
        return self._responses.pop((provider, response_id), None) is not None

    def conversation(self, provider: str, conversation_id: str) -> list[Json]:
        turns = self._conversations.setdefault((provider, conversation_id), [])
        if len(self._conversations) > _KEPT:
            self._conversations.popitem(last=False)
        return turns

    def clear(self) -> None:
        self._responses.clear()
        self._conversations.clear()
