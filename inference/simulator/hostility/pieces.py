"""Single bodies and events, spoiled: broken JSON, JSON of another shape, usage that lies, endless padding."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from inference.simulator.faults import Shape, UsageLie

HTML = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works (simulated)</h1></body></html>"
_BLOCK = b"x" * 65_536
_MAIN_FIELDS = ("choices", "content", "delta", "message", "output", "response", "item", "data", "embeddings")
_USAGES = ("usage", "billed_units")
_LIES: dict[str, Callable[[int], Any]] = {
    "negative": lambda value: -value - 1,
    "huge": lambda value: 9_000_000_000_000 + value,
    "beyond_int64": lambda value: 10**30 + value,
    "fraction": lambda value: value + 0.5,
    "text": str,
    "list": lambda value: [value],
}


def broken_json(call_id: str) -> bytes:
    return b'{"id": "' + call_id.encode() + b'", "choices": [{'


def misshapen(data: bytes, shape: Shape) -> bytes:
    """JSON, but not of an answer."""
    body = json.loads(data)
    match shape:
        case "null":
            body = None
        case "array":
            body = []
        case "number":
            body = 5
        case "usage_list":
            body["usage"] = [1, 2, 3]
        case _:
            field = next((name for name in _MAIN_FIELDS if name in body), "choices")
            body[field] = "none"
    return _encoded(body)


def with_usage(data: bytes, lie: UsageLie) -> bytes:
    """The same JSON with every number of its usage falsified, or without its usage."""
    body = json.loads(data)
    _falsify(body, lie)
    return _encoded(body)


def _falsify(value: Any, lie: UsageLie) -> None:
    if not isinstance(value, dict):
        return
    for name in list(value):
        if name not in _USAGES:
            _falsify(value[name], lie)
        elif lie == "missing":
            del value[name]
        elif lie in _LIES:
            value[name] = _lied(value[name], _LIES[lie])


def _lied(value: Any, lie: Callable[[int], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _lied(inner, lie) for name, inner in value.items()}
    return lie(value) if type(value) is int else value


def failed(data: bytes) -> bytes | None:
    """A response as it looks when the provider gave up; None for any other object."""
    body = json.loads(data)
    if body.get("object") != "response":
        return None
    error = {"code": "server_error", "message": "The response failed (simulated)."}
    return _encoded({**body, "status": "failed", "output": [], "usage": None, "error": error})


def failed_event(first_event: bytes) -> bytes | None:
    """The last event of a response that fails, made from its first."""
    _, found, told = first_event.partition(b"data: {")
    response = json.loads(b"{" + told).get("response") if found else None
    body = failed(_encoded(response)) if response else None
    if body is None:
        return None
    head = b'{"type":"response.failed","sequence_number":0,"response":'
    return b"event: response.failed\ndata: " + head + body + b"}\n\n"


def respelled(event: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A server-sent event with its JSON changed; one that carries no JSON stays as it is."""
    head, found, rest = event.partition(b"data: {")
    return head + b"data: " + change(b"{" + rest.rstrip()) + b"\n\n" if found else event


def padded(data: bytes, size: int) -> Iterator[bytes]:
    """A JSON object grown by a field of so many bytes; what follows the object stays behind it."""
    end = data.rindex(b"}")
    yield data[:end] + b',"padding":"'
    for start in range(0, size, len(_BLOCK)):
        yield _BLOCK[: size - start]
    yield b'"' + data[end:]


def padded_length(data: bytes, size: int) -> int:
    return len(data) + size + len(b',"padding":""')


@lru_cache(maxsize=2)
def bomb(data: bytes, size: int) -> bytes:
    """The padded object, compressed about a thousand times."""
    press = zlib.compressobj(level=1, wbits=31)
    return b"".join([*map(press.compress, padded(data, size)), press.flush()])


def block() -> bytes:
    return _BLOCK


def _encoded(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
