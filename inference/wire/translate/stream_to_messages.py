"""A stream of chat chunks as message events, chunk by chunk."""

from __future__ import annotations

from typing import Any

import msgspec

from inference.domain import RefusalKind
from inference.wire.decoding import INVALID
from inference.wire.messages.errors import error_event
from inference.wire.sse import data_of, event_of
from inference.wire.translate.answer_ids import MESSAGE, answer_id
from inference.wire.translate.answers import UNSAYABLE_PARTS, read_arguments
from inference.wire.translate.endings import STOP_REASONS, text, usage_to_messages


class StreamToMessages:
    """Takes the chunks of one stream of one choice in order, gives the events that say the same.

    Chat tells its usage and its end after the last words, so the events that close the message wait for `[DONE]`.
    `broken` names the first thing that is not valid or that the messages wire cannot say. What comes after it is not
    the answer any more: it is kept back, the usage apart, and the stream ends in an error.
    """

    __slots__ = ("_blocks", "_calls", "_open", "_reason", "_refused", "_service", "_started", "_usage", "_written",
                 "broken")  # fmt: skip

    def __init__(self) -> None:
        self._started = False
        self._blocks = 0
        self._open: list[int] = []
        self._calls: dict[int, int] = {}
        self._written: dict[int, list[str]] = {}
        self._reason: str | None = None
        self._refused = False
        self._usage: dict[str, Any] | None = None
        self._service: Any = None
        self.broken: str | None = None

    def feed(self, event: bytes) -> list[bytes]:
        data = data_of(event).strip()
        if not data:
            return []
        if data == b"[DONE]":
            return self._end()
        try:
            return self._translate(msgspec.json.decode(data))
        except (*INVALID, KeyError, TypeError, AttributeError):
            return self._break("a chunk that is not valid")

    def _translate(self, chunk: dict[str, Any]) -> list[bytes]:
        if error := chunk.get("error"):
            return [_event("error", error={"type": "api_error", "message": text(error.get("message", ""))})]
        self._usage = chunk.get("usage") or self._usage
        self._service = chunk.get("service_tier") or self._service
        events = [] if self._started else self._start(chunk)
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) != 0:
                return self._break("a second choice")
            if (reason := choice.get("finish_reason")) is not None:
                self._reason = text(reason)
            events += self._delta(choice.get("delta") or {})
        return events if self.broken is None else []

    def _break(self, what: str) -> list[bytes]:
        self.broken = self.broken or what
        return []

    def _start(self, chunk: dict[str, Any]) -> list[bytes]:
        """Chat only tells the input tokens at the end: until then the message starts with none."""
        message: dict[str, Any] = {
            "id": answer_id(text(chunk.get("id", "")), MESSAGE),
            "type": "message",
            "role": "assistant",
            "model": text(chunk.get("model", "")),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_to_messages(None, self._service),
        }
        self._started = True
        return [_event("message_start", message=message)]

    def _delta(self, delta: dict[str, Any]) -> list[bytes]:
        for name in UNSAYABLE_PARTS:
            if delta.get(name):
                return self._break(f"a delta of {name}")
        events: list[bytes] = []
        for name in ("content", "refusal"):
            if said := delta.get(name):
                self._refused = self._refused or name == "refusal"
                events += self._text(text(said))
        for call in delta.get("tool_calls") or ():
            events += self._call(call)
        return events

    def _text(self, said: str) -> list[bytes]:
        events = []
        if not self._open or self._open[-1] in self._calls.values():
            events = self._open_block({"type": "text", "text": ""})
        delta = {"type": "text_delta", "text": said}
        return [*events, _event("content_block_delta", index=self._open[-1], delta=delta)]

    def _call(self, call: dict[str, Any]) -> list[bytes]:
        """Calls may be written in turns, so their blocks stay open until the end."""
        index, function = call["index"], call.get("function") or {}
        events: list[bytes] = []
        if type(index) is not int:
            return self._break("a call without a number")
        if index not in self._calls:
            call_id, name = text(call["id"]), text(function["name"])
            events = [] if self._calls else self._close_all()
            self._calls[index] = self._blocks
            events += self._open_block({"type": "tool_use", "id": call_id, "name": name, "input": {}})
        if written := function.get("arguments"):
            self._written.setdefault(index, []).append(text(written))
            delta = {"type": "input_json_delta", "partial_json": written}
            events.append(_event("content_block_delta", index=self._calls[index], delta=delta))
        return events

    def _open_block(self, block: dict[str, Any]) -> list[bytes]:
        index = self._blocks
        self._blocks += 1
        self._open.append(index)
        return [_event("content_block_start", index=index, content_block=block)]

    def _close_all(self) -> list[bytes]:
        closed = [_event("content_block_stop", index=index) for index in self._open]
        self._open.clear()
        return closed

    def _end(self) -> list[bytes]:
        if self._reason is None:
            self._break("an end before all was said")
        if self._reason != "length" and any(read_arguments("".join(w)) is None for w in self._written.values()):
            self._break("arguments that are no JSON object")
        reason = "refusal" if self._refused else STOP_REASONS.get(str(self._reason), "end_turn")
        delta = {"stop_reason": None if self.broken else reason, "stop_sequence": None}
        ending = _event("message_delta", delta=delta, usage=usage_to_messages(self._usage, self._service))
        if self.broken is None:
            return [*self._close_all(), ending, _event("message_stop")]
        message = f"the answer cannot be given: the provider sent {self.broken}"
        return [*([ending] if self._started else ()), error_event(RefusalKind.PROVIDER_FAILED, message)]


def _event(name: str, **fields: Any) -> bytes:
    return event_of(msgspec.json.encode({"type": name, **fields}), name.encode())
