"""Watching a response's stream go by: its usage, its end, its errors, and the whole that its end carries."""

from __future__ import annotations

import msgspec

from inference.domain import Usage
from inference.wire.decoding import INVALID
from inference.wire.sse import data_of
from inference.wire.usage import responses_usage

ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed"})

_NAME = b"event: response."


class _Failed(msgspec.Struct):
    error: msgspec.Raw = msgspec.Raw(b"null")


class _Event(msgspec.Struct):
    """What an event other than a delta is decoded for."""

    type: str = ""
    response: msgspec.Raw = msgspec.Raw(b"null")


class _Whole(msgspec.Struct):
    output: list[msgspec.Raw]


class _Delta(msgspec.Struct):
    delta: str = ""


_event = msgspec.json.Decoder(_Event)
_failed = msgspec.json.Decoder(_Failed)
_whole = msgspec.json.Decoder(_Whole)
_delta = msgspec.json.Decoder(_Delta)


class ResponsesStream:
    """Reads the events of one stream: deltas are told by their name and passed over, the few others decoded.

    `hide_usage` has no effect, since the usage of this wire is part of the event that ends the stream.
    """

    __slots__ = ("_added", "_deltas", "_end", "error", "finished", "usage")

    def __init__(self, *, hide_usage: bool = False) -> None:  # noqa: ARG002 - as documented
        self._added = 0
        self._deltas: list[bytes] = []
        self._end: bytes | None = None
        self.usage: Usage | None = None
        self.finished = False
        self.error: bytes | None = None
        """The provider's own error object, as JSON."""

    def feed(self, event: bytes) -> bool:
        """Takes one whole event. True: every event of this wire is for the client."""
        if event.startswith(_NAME) and event.endswith(b".delta", 0, event.find(b"\n")):
            self._deltas.append(event)
        else:
            self._read(data_of(event))
        return True

    def text(self) -> str:
        """All text so far, tool arguments included: for estimating the tokens of an unfinished stream."""
        pieces = []
        for event in self._deltas:
            try:
                pieces.append(_delta.decode(data_of(event)).delta)
            except INVALID:
                continue
        return "".join(pieces)

    def assemble(self) -> bytes | None:
        """The whole response, which the last event carries; None when it is not all that the stream announced."""
        if not self.finished or self.error is not None or self._end is None:
            return None
        try:
            output = _whole.decode(self._end).output
        except INVALID:
            return None
        return self._end if len(output) == self._added else None

    def _read(self, data: bytes) -> None:
        if not data:
            return
        try:
            event = _event.decode(data)
        except INVALID:
            return
        if event.type in ENDINGS:
            self._finish(event, data)
        elif event.type == "response.output_item.added":
            self._added += 1
        elif event.type == "error":
            self.error = data
        elif event.type.endswith(".delta"):
            self._deltas.append(b"data: %b\n\n" % data)

    def _finish(self, event: _Event, data: bytes) -> None:
        self.finished = True
        self.usage = responses_usage(data)
        self._end = bytes(event.response)
        try:
            error = bytes(_failed.decode(event.response).error)
        except INVALID:
            error = b"null"
        if event.type == "response.failed" or error != b"null":
            self.error = error
