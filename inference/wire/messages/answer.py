"""Reading a whole message."""

from __future__ import annotations

import msgspec

from inference.wire.decoding import INVALID


class Block(msgspec.Struct):
    type: str
    text: str = ""


class Body(msgspec.Struct):
    content: list[Block]


_body = msgspec.json.Decoder(Body)


def answer_text(body: bytes) -> str:
    """The text of the message; a text with citations comes in several blocks. Empty when it only calls tools."""
    try:
        content = _body.decode(body).content
    except INVALID:
        return ""
    return "".join(block.text for block in content if block.type == "text")
