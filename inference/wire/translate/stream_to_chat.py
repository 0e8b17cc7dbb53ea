"""A stream of message events as chat chunks, event by event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from inference.wire.decoding import INVALID
from inference.wire.sse import DONE, data_of, event_of
from inference.wire.translate.endings import FINISH_REASONS, usage_to_chat

_KEEP_ALIVE = b": ping\n\n"


class StreamToChat:
    """Takes the events of one stream in order, gives the chunks that say the same.

    `broken` names the first thing that the chat wire cannot say; from then on the stream is not the whole answer.
    """

    __slots__ = ("_calls", "_created", "_head", "_include_usage", "_reason", "_usage", "_written", "broken")

    def __init__(self, *, created: int, include_usage: bool) -> None:
        self._created = created
        self._include_usage = include_usage
        self._head: dict[str, Any] = {}
        self._calls: dict[int, int] = {}
        self._written: set[int] = set()
        self._usage: dict[str, Any] = {}
        self._reason: str | None = None
        self.broken: str | None = None

    def feed(self, event: bytes) -> list[bytes]:
        data = data_of(event)
        if not data:
            return []
        try:
            return self._translate(msgspec.json.decode(data))
        except (*INVALID, KeyError, TypeError, AttributeError):
            self.broken = self.broken or "an event that is not valid"
            return []

    def _translate(self, event: dict[str, Any]) -> list[bytes]:
        kind = event["type"]
        if kind == "content_block_delta":
            return self._delta(event["index"], event["delta"])
        if kind == "message_delta":
            self._merge(event.get("usage"))
            self._reason = event["delta"].get("stop_reason") or self._reason
            return []
        handle = self._HANDLERS.get(kind)
        if handle is None:
            self.broken = self.broken or f"an event of type {kind}"
            return []
        return handle(self, event)

    def _open(self, event: dict[str, Any]) -> list[bytes]:
        message = event["message"]
        self._head = {
            "id": message.get("id", ""),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": message.get("model", ""),
        }
        self._merge(message.get("usage"))
        return [self._chunk({"role": "assistant", "content": ""})]

    def _start(self, event: dict[str, Any]) -> list[bytes]:
        index, block = event["index"], event["content_block"]
        kind = block["type"]
        if kind == "tool_use":
            position = self._calls[index] = len(self._calls)
            function = {"name": block["name"], "arguments": ""}
            call = {"index": position, "id": block["id"], "type": "function", "function": function}
            return [self._chunk({"tool_calls": [call]})]
        if kind == "text":
            return [self._chunk({"content": block["text"]})] if block.get("text") else []
        if kind not in ("thinking", "redacted_thinking"):
            self.broken = self.broken or f"content of type {kind}"
        return []

    def _delta(self, index: int, delta: dict[str, Any]) -> list[bytes]:
        kind = delta["type"]
        if kind == "text_delta":
            return [self._chunk({"content": delta["text"]})]
        if kind == "input_json_delta" and index in self._calls:
            return self._arguments(index, delta["partial_json"])
        return []  # thinking, signatures and citations have no place in a chat answer

    def _arguments(self, index: int, written: str) -> list[bytes]:
        if not written:
            return []
        self._written.add(index)
        call = {"index": self._calls[index], "function": {"arguments": written}}
        return [self._chunk({"tool_calls": [call]})]

    def _stop(self, event: dict[str, Any]) -> list[bytes]:
        """A call without arguments streams no input at all; a chat client parses what it gets."""
        index = event["index"]
        if index in self._calls and index not in self._written:
            return self._arguments(index, "{}")
        return []

    def _end(self, event: dict[str, Any]) -> list[bytes]:  # noqa: ARG002 - as every handler
        ending = [self._chunk({}, FINISH_REASONS.get(str(self._reason), "stop"))]
        if self._include_usage and (usage := usage_to_chat(self._usage)):
            ending.append(event_of(msgspec.json.encode({**self._head, "choices": [], "usage": usage})))
        return [*ending, DONE]

    def _merge(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._usage.update({name: value for name, value in usage.items() if value is not None})

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        tail = {"usage": None} if self._include_usage else {}
        return event_of(msgspec.json.encode({**self._head, "choices": [choice], **tail}))

    def _error(self, event: dict[str, Any]) -> list[bytes]:
        error = event["error"]
        said = {
            "message": error.get("message", ""),
            "type": error.get("type", "api_error"),
            "param": None,
            "code": None,
        }
        return [event_of(msgspec.json.encode({"error": said}))]

    def _ping(self, event: dict[str, Any]) -> list[bytes]:  # noqa: ARG002 - as every handler
        return [_KEEP_ALIVE]

    _HANDLERS: ClassVar[dict[str, Callable[[StreamToChat, dict[str, Any]], list[bytes]]]] = {
        "message_start": _open,
        "content_block_start": _start,
        "content_block_stop": _stop,
        "message_stop": _end,
        "error": _error,
        "ping": _ping,
    }
