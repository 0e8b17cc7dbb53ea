"""Anthropic's error shape, whole and within a stream."""

from __future__ import annotations

import msgspec

from inference.wire.errors import ANTHROPIC, Kind
from inference.wire.sse import event_of


def error_body(
    kind: Kind, message: str, *, code: str | None = None, param: str | None = None, request_id: str = ""
) -> bytes:
    """Anthropic has no `param`, so a field is named in the message; `code` goes with the details its SDK exposes."""
    if param and param not in message:
        message = f"{param}: {message}"
    error: dict[str, object] = {"type": ANTHROPIC[kind], "message": message}
    if code:
        error["details"] = {"error_code": code}
    body: dict[str, object] = {"type": "error", "error": error}
    if request_id:
        body["request_id"] = request_id
    return msgspec.json.encode(body)


def error_event(
    kind: Kind, message: str, *, code: str | None = None, param: str | None = None, request_id: str = ""
) -> bytes:
    """An error after the first byte: the SDKs raise it from the stream."""
    return event_of(error_body(kind, message, code=code, param=param, request_id=request_id), b"error")
