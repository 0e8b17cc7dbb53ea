"""Adding the events of a messages stream up to the whole message.

A message that cannot be put together with certainty (a delta of a kind unknown here, a block that never ended) is no
message: `body` is None and nothing is cached.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from inference.wire.decoding import INVALID


class _PlainDelta(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["text_delta"]
    text: str


class _PlainEvent(msgspec.Struct, forbid_unknown_fields=True):
    """An event that says nothing but the next piece of text: nearly all of them, so they are decoded first and fast."""

    type: Literal["content_block_delta"]
    index: int
    delta: _PlainDelta


_plain_event = msgspec.json.Decoder(_PlainEvent)


class UnknownDeltaError(Exception):
    """A delta that cannot be merged with certainty."""


class _Block:
    """One content block: as it was started, with what its deltas added."""

    __slots__ = ("_citations", "_fields", "_input", "_pieces", "stopped")

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self._pieces: dict[str, list[str]] = {}
        self._input: list[str] = []
        self._citations: list[Any] = []
        self.stopped = False

    def add(self, delta: dict[str, Any]) -> None:
        match delta:
            case {"type": "text_delta", "text": str(text)}:
                self.grow("text", text)
            case {"type": "input_json_delta", "partial_json": str(text)}:
                self._input.append(text)
            case {"type": "thinking_delta", "thinking": str(text)}:
                self.grow("thinking", text)
            case {"type": "signature_delta", "signature": str(text)}:
                self.grow("signature", text)
            case {"type": "citations_delta", "citation": citation}:
                self._citations.append(citation)
            case _:
                raise UnknownDeltaError(str(delta.get("type")))

    def grow(self, name: str, text: str) -> None:
        self._pieces.setdefault(name, [str(self._fields.get(name) or "")]).append(text)

    def text(self) -> str:
        """What was written: not the signature, which is no output."""
        grown = ["".join(self._pieces.get(name, ())) for name in ("thinking", "text")]
        return "".join((*grown, str(self._fields.get("name") or ""), *self._input))

    def whole(self) -> dict[str, Any]:
        if not self.stopped:
            raise UnknownDeltaError("content_block_stop")
        block = self._fields | {name: "".join(pieces) for name, pieces in self._pieces.items()}
        if self._citations:
            block["citations"] = [*(block.get("citations") or ()), *self._citations]
        if written := "".join(self._input):
            block["input"] = msgspec.json.decode(written)
        return block


class MessagesAssembly:
    """Takes the events of one stream, in order."""

    __slots__ = ("_blocks", "_message", "_supported", "_usage")

    def __init__(self) -> None:
        self._message: dict[str, Any] | None = None
        self._usage: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}
        self._supported = True

    def add(self, data: bytes) -> None:
        if not data:
            return  # a comment that keeps the connection alive
        try:
            plain = _plain_event.decode(data)
        except INVALID:
            self._add_any(data)
        else:
            if plain.index in self._blocks:
                self._blocks[plain.index].grow("text", plain.delta.text)
            else:
                self._supported = False

    def _add_any(self, data: bytes) -> None:
        try:
            self._add(msgspec.json.decode(data))
        except (*INVALID, UnknownDeltaError, KeyError, AttributeError, TypeError):
            self._supported = False

    def _add(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "content_block_delta":
                self._blocks[event["index"]].add(event["delta"])
            case "content_block_start":
                self._start(event["index"], event["content_block"])
            case "content_block_stop":
                self._blocks[event["index"]].stopped = True
            case "message_start":
                self._usage = dict(event["message"].get("usage") or {})
                self._message = event["message"]
            case "message_delta":
                self._add_ending(event)
            case "message_stop" | "ping" | "error":
                pass
            case other:
                raise UnknownDeltaError(other)

    def _start(self, index: Any, block: Any) -> None:
        if not isinstance(index, int) or not isinstance(block, dict):
            raise UnknownDeltaError("content_block_start")
        self._blocks[index] = _Block(block)

    def _add_ending(self, event: dict[str, Any]) -> None:
        if self._message is None:
            raise UnknownDeltaError("message_start")
        self._message |= {name: value for name, value in event["delta"].items() if value is not None}
        self._usage |= {name: value for name, value in (event.get("usage") or {}).items() if value is not None}

    def text(self) -> str:
        return "".join(block.text() for _, block in sorted(self._blocks.items()))

    def body(self) -> bytes | None:
        """The whole message; None when it cannot be put together with certainty."""
        if not self._supported or self._message is None or sorted(self._blocks) != list(range(len(self._blocks))):
            return None
        try:
            content = [self._blocks[index].whole() for index in range(len(self._blocks))]
        except (*INVALID, UnknownDeltaError):
            return None
        return msgspec.json.encode({**self._message, "content": content, "usage": self._usage})
