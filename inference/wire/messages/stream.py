"""Watching a stream of message events go by: usage, end, errors, and the whole message that it adds up to."""

from __future__ import annotations

from typing import Any

import msgspec

from inference.domain import Usage
from inference.wire.decoding import INVALID
from inference.wire.messages.assembly import MessagesAssembly
from inference.wire.sse import data_of
from inference.wire.usage import messages_usage_of

_FOLD_EVERY = 32
"""Events are decoded for the whole message in batches this large: small enough not to stall the other streams."""

_DELTA = (b"event: content_block_delta", b"event:content_block_delta")


class _Event(msgspec.Struct):
    """What an event other than a content delta is decoded for."""

    type: str = ""
    message: dict[str, Any] = {}
    usage: dict[str, Any] | None = None
    error: msgspec.Raw = msgspec.Raw(b"null")


_event = msgspec.json.Decoder(_Event)


class MessagesStream:
    """Reads the events of one stream: content deltas are told by their name and passed over, the few others decoded.

    `hide_usage` has no effect, since the usage of this wire is part of events the client needs.
    """

    __slots__ = ("_assembly", "_merged", "_pending", "error", "finished")

    def __init__(self, *, hide_usage: bool = False) -> None:  # noqa: ARG002 - as documented
        self._assembly = MessagesAssembly()
        self._pending: list[bytes] = []
        self._merged: dict[str, Any] = {}
        self.finished = False
        self.error: bytes | None = None
        """The provider's own error object, as JSON."""

    @property
    def usage(self) -> Usage | None:
        """What the provider said so far; the output tokens are only final once `finished`."""
        return messages_usage_of(self._merged) if self._merged else None

    def feed(self, event: bytes) -> bool:
        """Takes one whole event. True: every event of this wire is for the client."""
        if not event.startswith(_DELTA):
            self._read(data_of(event))
        self._pending.append(event)
        if len(self._pending) >= _FOLD_EVERY:
            self._fold()
        return True

    def text(self) -> str:
        """All text so far, thinking and tool input included: for estimating the tokens of an unfinished stream."""
        self._fold()
        return self._assembly.text()

    def assemble(self) -> bytes | None:
        """The whole message, as if it had not been streamed; None when it is incomplete or has parts unknown here."""
        if not self.finished or self.error is not None:
            return None
        self._fold()
        return self._assembly.body()

    def _fold(self) -> None:
        for event in self._pending:
            self._assembly.add(data_of(event))
        self._pending.clear()

    def _read(self, data: bytes) -> None:
        try:
            event = _event.decode(data)
        except INVALID:
            return
        if event.type == "message_start":
            self._merge(event.message.get("usage"))
        elif event.type == "message_delta":
            self._merge(event.usage)
        elif event.type == "message_stop":
            self.finished = True
        elif event.type == "error":
            self.error = bytes(event.error)

    def _merge(self, usage: Any) -> None:
        """Later figures are totals that replace the earlier ones; what an event leaves out still holds."""
        if isinstance(usage, dict):
            self._merged.update({name: value for name, value in usage.items() if value is not None})
