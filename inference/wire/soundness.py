"""Whether a whole answer is shaped as its wire says, as far as anyone who is given it again relies on that.

A provider's bytes are passed on as they are; only what is sound is kept, and given to others, whole or as a stream.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from inference.domain import Wire
from inference.wire.decoding import INVALID


class _Written(msgspec.Struct):
    """Of a tool call: its name, and its arguments or input."""

    name: str
    arguments: str | None = None
    input: str | None = None


class _ToolCall(msgspec.Struct):
    id: str
    function: _Written | None = None
    custom: _Written | None = None

    def __post_init__(self) -> None:
        if self.custom is not None:
            _require(self.custom.input is not None)
        else:
            _require(self.function is not None and self.function.arguments is not None)


class _ChatMessage(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    index: int
    message: _ChatMessage
    finish_reason: str


class _Chat(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]


class _Block(msgspec.Struct):
    type: str
    text: str | None = None
    thinking: str | None = None
    citations: list[Any] | None = None


class _Message(msgspec.Struct):
    content: list[_Block]
    stop_reason: str
    usage: dict[str, Any]


class _Part(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None

    def __post_init__(self) -> None:
        _require(self.type not in ("output_text", "summary_text") or self.text is not None)
        _require(self.type != "refusal" or self.refusal is not None)


class _Item(msgspec.Struct):
    type: str
    content: list[_Part] | None = None
    summary: list[_Part] | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None

    def __post_init__(self) -> None:
        _require(self.type != "function_call" or (self.name is not None and self.arguments is not None))
        _require(self.type != "custom_tool_call" or self.input is not None)


class _Response(msgspec.Struct):
    output: list[_Item]
    status: str


class _Embedding(msgspec.Struct):
    index: int
    embedding: msgspec.Raw


class _Embeddings(msgspec.Struct):
    data: Annotated[list[_Embedding], msgspec.Meta(min_length=1)]


_DECODERS: Final[dict[Wire, msgspec.json.Decoder[Any]]] = {
    Wire.CHAT: msgspec.json.Decoder(_Chat),
    Wire.MESSAGES: msgspec.json.Decoder(_Message),
    Wire.RESPONSES: msgspec.json.Decoder(_Response),
    Wire.EMBEDDINGS: msgspec.json.Decoder(_Embeddings),
}


def is_sound(wire: Wire, body: bytes) -> bool:
    """In about two microseconds for an ordinary answer."""
    try:
        _DECODERS[wire].decode(body)
    except INVALID:
        return False
    return True


def _require(sound: bool) -> None:
    if not sound:
        raise ValueError("not sound")
