"""OpenAI's error shape, whole; and within a stream of responses, which has events of its own for it."""

from __future__ import annotations

import msgspec

from inference.wire.chat.errors import error_body
from inference.wire.errors import OPENAI, Kind
from inference.wire.sse import event_of

__all__ = ["error_body", "error_event"]


def error_event(
    kind: Kind, message: str, *, code: str | None = None, param: str | None = None, request_id: str = ""
) -> bytes:
    """An error after the first byte. Whoever knows the stream gives it its number there."""
    error: dict[str, object] = {
        "type": "error",
        "code": code or OPENAI[kind][1],
        "message": message,
        "param": param,
        "sequence_number": 0,
    }
    if request_id:
        error["request_id"] = request_id
    return event_of(msgspec.json.encode(error), b"error")
