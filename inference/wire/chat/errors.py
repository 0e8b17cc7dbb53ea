"""OpenAI's error shape, whole and within a stream."""

from __future__ import annotations

import msgspec

from inference.wire.errors import OPENAI, Kind
from inference.wire.sse import event_of


def error_body(
    kind: Kind, message: str, *, code: str | None = None, param: str | None = None, request_id: str = ""
) -> bytes:
    """`code` defaults to the usual one of the kind; the request id is said besides (OpenAI has it in a header only)."""
    error_type, usual_code = OPENAI[kind]
    error: dict[str, object] = {"message": message, "type": error_type, "param": param, "code": code or usual_code}
    if request_id:
        error["request_id"] = request_id
    return msgspec.json.encode({"error": error})


def error_event(
    kind: Kind, message: str, *, code: str | None = None, param: str | None = None, request_id: str = ""
) -> bytes:
    """An error after the first byte: the SDKs raise it from the stream. No `[DONE]` follows."""
    return event_of(error_body(kind, message, code=code, param=param, request_id=request_id))
