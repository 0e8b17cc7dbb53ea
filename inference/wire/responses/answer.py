"""Reading a whole response."""

from __future__ import annotations

from typing import Any

import msgspec

from inference.wire.decoding import INVALID


class Item(msgspec.Struct):
    type: str = ""
    content: Any = None


class Body(msgspec.Struct):
    output: list[Item]


_body = msgspec.json.Decoder(Body)


def answer_text(body: bytes) -> str:
    """The text of its messages, or their refusals; empty when it only calls tools or is no answer at all."""
    try:
        output = _body.decode(body).output
    except INVALID:
        return ""
    parts = (
        part for item in output if item.type == "message" and isinstance(item.content, list) for part in item.content
    )
    return "".join(str(part.get("text") or part.get("refusal") or "") for part in parts if isinstance(part, dict))
