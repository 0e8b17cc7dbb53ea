"""Reading a whole chat answer."""

from __future__ import annotations

import msgspec

from inference.wire.decoding import INVALID


class Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct):
    message: Message


class Body(msgspec.Struct):
    choices: list[Choice]


_body = msgspec.json.Decoder(Body)


def answer_text(body: bytes) -> str:
    """The text of the first choice, or its refusal; empty when it only calls tools or is no answer at all."""
    try:
        choices = _body.decode(body).choices
    except INVALID:
        return ""
    return (choices[0].message.content or choices[0].message.refusal or "") if choices else ""
