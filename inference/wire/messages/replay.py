"""A whole message as the stream that the provider would have sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from inference.wire.pieces import pieces_of
from inference.wire.sse import event_of

_encode = msgspec.json.Encoder().encode

_OF_THE_END: Final = ("stop_reason", "stop_sequence", "stop_details")
_USAGE_AT_THE_END: Final = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "output_tokens_details",
        "server_tool_use",
    }
)


def replay(body: bytes, *, include_usage: bool = True) -> Iterator[bytes]:  # noqa: ARG001 - always part of this wire
    """The events of a cached message, in the provider's order."""
    message: dict[str, Any] = msgspec.json.decode(body)
    usage = message.get("usage") or {}
    opening = {**message, "content": [], "usage": {**usage, "output_tokens": 1}}
    opening |= dict.fromkeys(name for name in _OF_THE_END if name in message)
    yield _event("message_start", message=opening)
    for index, block in enumerate(message["content"]):
        started, deltas = _taken_apart(block)
        yield _event("content_block_start", index=index, content_block=started)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ending = {name: message[name] for name in _OF_THE_END if name in message}
    yield _event("message_delta", delta=ending, usage={k: v for k, v in usage.items() if k in _USAGE_AT_THE_END})
    yield _event("message_stop")


def _event(name: str, **fields: Any) -> bytes:
    return event_of(_encode({"type": name, **fields}), name.encode())


def _taken_apart(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts, and the deltas that complete it. What no delta can carry starts whole."""
    match block:
        case {"type": "text", "text": str(text)}:
            citations = block.get("citations") or []
            cited = [{"type": "citations_delta", "citation": citation} for citation in citations]
            started = {**block, "text": "", **({"citations": []} if citations else {})}
            return started, [{"type": "text_delta", "text": piece} for piece in pieces_of(text)] + cited
        case {"type": "thinking", "thinking": str(thinking)}:
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces_of(thinking)]
            signed = [{"type": "signature_delta", "signature": block.get("signature", "")}]
            return {**block, "thinking": "", "signature": ""}, deltas + signed
        case {"type": "tool_use" | "server_tool_use", "input": written}:
            text = _encode(written).decode()
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": p} for p in pieces_of(text)]
        case _:
            return block, []
