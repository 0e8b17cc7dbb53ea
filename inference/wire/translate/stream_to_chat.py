"""A stream of message events as chat chunks, event by event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import msgspec

from inference.domain import RefusalKind
from inference.wire.chat.errors import error_event
from inference.wire.decoding import INVALID
from inference.wire.sse import DONE, data_of, event_of
from inference.wire.translate.answer_ids import COMPLETION, answer_id
from inference.wire.translate.endings import FINISH_REASONS, service_to_chat, text, usage_to_chat

_KEEP_ALIVE: Final = b": ping\n\n"
_THINKING: Final = ("thinking", "redacted_thinking")
_WHATEVER_BROKE: Final = ("message_stop", "error", "ping")
_NO_PLACE: Final = ("citations_delta",)


class StreamToChat:
    """Takes the events of one stream in order, gives the chunks that say the same.

    `broken` names the first thing that is not valid or that the chat wire cannot say. What comes after it is not the
    answer any more: it is kept back, the usage apart, and the stream ends in an error.
    """

    __slots__ = ("_blocks", "_calls", "_created", "_head", "_include_usage", "_reason", "_usage", "_written", "broken")

    def __init__(self, *, created: int, include_usage: bool) -> None:
        self._created = created
        self._include_usage = include_usage
        self._head: dict[str, Any] = {}
        self._blocks: dict[int, str] = {}
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
            return self._break("an event that is not valid")

    def _translate(self, event: dict[str, Any]) -> list[bytes]:
        kind = event["type"]
        handle = self._HANDLERS.get(kind)
        if handle is None:
            return self._break(f"an event of type {kind}")
        if not self._head and kind not in ("message_start", "error", "ping"):
            return self._break("an event before its beginning")
        said = handle(self, event)
        return said if self.broken is None or kind in _WHATEVER_BROKE else []

    def _break(self, what: str) -> list[bytes]:
        self.broken = self.broken or what
        return []

    def _open(self, event: dict[str, Any]) -> list[bytes]:
        message = event["message"]
        if self._head:
            return self._break("a second beginning")
        self._head = {
            "id": answer_id(text(message.get("id", "")), COMPLETION),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": text(message.get("model", "")),
        }
        self._merge(message.get("usage"))
        return [self._chunk({"role": "assistant", "content": ""})]

    def _start(self, event: dict[str, Any]) -> list[bytes]:
        index, block = event["index"], event["content_block"]
        kind = text(block["type"])
        if index in self._blocks or type(index) is not int:
            return self._break("a block that began twice")
        self._blocks[index] = kind
        if kind == "tool_use":
            position = self._calls[index] = len(self._calls)
            function = {"name": text(block["name"]), "arguments": ""}
            call = {"index": position, "id": text(block["id"]), "type": "function", "function": function}
            return [self._chunk({"tool_calls": [call]})]
        if kind == "text":
            return [self._chunk({"content": text(block["text"])})] if block.get("text") else []
        return [] if kind in _THINKING else self._break(f"content of type {kind}")

    def _delta(self, event: dict[str, Any]) -> list[bytes]:
        """Thinking, signatures and citations have no place in a chat answer."""
        index, delta = event["index"], event["delta"]
        match self._blocks[index], delta["type"]:
            case "text", "text_delta":
                return [self._chunk({"content": text(delta["text"])})]
            case "tool_use", "input_json_delta":
                return self._arguments(index, text(delta["partial_json"]))
            case block, kind if block in _THINKING or kind in _NO_PLACE:
                return []
            case block, kind:
                return self._break(f"a delta of type {kind} in {block}")

    def _arguments(self, index: int, written: str) -> list[bytes]:
        if not written:
            return []
        self._written.add(index)
        call = {"index": self._calls[index], "function": {"arguments": written}}
        return [self._chunk({"tool_calls": [call]})]

    def _stop(self, event: dict[str, Any]) -> list[bytes]:
        """A call without arguments streams no input at all; a chat client parses what it gets."""
        index = event["index"]
        kind = self._blocks.pop(index)
        return self._arguments(index, "{}") if kind == "tool_use" and index not in self._written else []

    def _ending(self, event: dict[str, Any]) -> list[bytes]:
        self._merge(event.get("usage"))
        if (reason := event["delta"].get("stop_reason")) is not None:
            self._reason = text(reason)
        return []

    def _end(self, event: dict[str, Any]) -> list[bytes]:  # noqa: ARG002 - as every handler
        if self._reason is None or self._blocks:
            self._break("an end before all was said")
        ending = [] if self.broken else [self._chunk({}, FINISH_REASONS.get(str(self._reason), "stop"))]
        if self._include_usage and (usage := usage_to_chat(self._usage)):
            ending.append(event_of(msgspec.json.encode({**self._head, "choices": [], "usage": usage})))
        return [*ending, self._broken_event() if self.broken else DONE]

    def _broken_event(self) -> bytes:
        return error_event(RefusalKind.PROVIDER_FAILED, f"the answer cannot be given: the provider sent {self.broken}")

    def _merge(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._usage.update({name: value for name, value in usage.items() if value is not None})
            self._head |= service_to_chat(self._usage)

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        tail = {"usage": None} if self._include_usage else {}
        return event_of(msgspec.json.encode({**self._head, "choices": [choice], **tail}))

    def _error(self, event: dict[str, Any]) -> list[bytes]:
        error = event["error"]
        said = {
            "message": text(error.get("message", "")),
            "type": text(error.get("type", "api_error")),
            "param": None,
            "code": None,
        }
        return [event_of(msgspec.json.encode({"error": said}))]

    def _ping(self, event: dict[str, Any]) -> list[bytes]:  # noqa: ARG002 - as every handler
        return [_KEEP_ALIVE]

    _HANDLERS: ClassVar[dict[str, Callable[[StreamToChat, dict[str, Any]], list[bytes]]]] = {
        "message_start": _open,
        "content_block_start": _start,
        "content_block_delta": _delta,
        "content_block_stop": _stop,
        "message_delta": _ending,
        "message_stop": _end,
        "error": _error,
        "ping": _ping,
    }
