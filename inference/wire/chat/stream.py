"""Watching a chat stream go by: its usage, its end, its errors, and the whole answer that it adds up to."""

from __future__ import annotations

import msgspec

from inference.domain import Usage
from inference.wire.chat.assembly import ChatAssembly
from inference.wire.decoding import INVALID
from inference.wire.sse import data_of
from inference.wire.usage import chat_usage

_FOLD_EVERY = 32
"""Events are decoded for the whole answer in batches this large: small enough not to stall the other streams."""

_SHORTEST_CHUNK = 32
"""Only `[DONE]` and comments are shorter than this."""


class _Ending(msgspec.Struct):
    """What a chunk that mentions usage or an error is decoded for."""

    choices: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


_ending = msgspec.json.Decoder(_Ending)


class ChatStream:
    """Reads the events of one stream. A quoted key cannot occur inside JSON text, so searching the bytes is enough to
    pass over the great majority of chunks without decoding them.

    With `hide_usage` the chunk that carries nothing but the usage is kept from a client that did not ask for it.
    """

    __slots__ = ("_assembly", "_hide_usage", "_pending", "error", "finished", "usage")

    def __init__(self, *, hide_usage: bool = False) -> None:
        self._hide_usage = hide_usage
        self._assembly = ChatAssembly()
        self._pending: list[bytes] = []
        self.usage: Usage | None = None
        self.finished = False
        self.error: bytes | None = None
        """The provider's own error object, as JSON."""

    def feed(self, event: bytes) -> bool:
        """Takes one whole event. True when the client should get it."""
        relayed = True
        if len(event) < _SHORTEST_CHUNK and data_of(event).strip() == b"[DONE]":
            self.finished = True
            return True
        if b'"usage":null' not in event and b'"usage"' in event:
            relayed = self._read_usage(event)
        elif b'"error"' in event:
            self._read_error(event)
        self._pending.append(event)
        if len(self._pending) >= _FOLD_EVERY:
            self._fold()
        return relayed

    def text(self) -> str:
        """All text so far, reasoning and tool arguments included: for estimating the tokens of an unfinished stream."""
        self._fold()
        return self._assembly.text()

    def assemble(self) -> bytes | None:
        """The whole answer, as if it had not been streamed; None when it is incomplete or has parts unknown here."""
        if not self.finished or self.error is not None:
            return None
        self._fold()
        return self._assembly.body()

    def _fold(self) -> None:
        for event in self._pending:
            self._assembly.add(data_of(event))
        self._pending.clear()

    def _read_usage(self, event: bytes) -> bool:
        data = data_of(event)
        ending = _decoded(data)
        self._read_error(event)
        if ending is None or bytes(ending.usage) == b"null":
            return True
        self.usage = chat_usage(data)
        return not (self._hide_usage and ending.choices == [])

    def _read_error(self, event: bytes) -> None:
        ending = _decoded(data_of(event))
        if ending is not None and bytes(ending.error) != b"null":
            self.error = bytes(ending.error)


def _decoded(data: bytes) -> _Ending | None:
    try:
        return _ending.decode(data)
    except INVALID:
        return None
