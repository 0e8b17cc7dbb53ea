"""A stream of chat chunks as message events, chunk by chunk."""

from __future__ import annotations

from typing import Any

import msgspec

from inference.wire.decoding import INVALID
from inference.wire.sse import data_of, event_of
from inference.wire.translate.endings import STOP_REASONS, usage_to_messages


class StreamToMessages:
    """Takes the chunks of one stream of one choice in order, gives the events that say the same.

    Chat tells its usage and its end after the last words, so the events that close the message wait for `[DONE]`.
    `broken` names the first thing that the messages wire cannot say.
    """

    __slots__ = ("_blocks", "_calls", "_open", "_reason", "_refused", "_started", "_usage", "broken")

    def __init__(self) -> None:
        self._started = False
        self._blocks = 0
        self._open: list[int] = []
        self._calls: dict[int, int] = {}
        self._reason: str | None = None
        self._refused = False
        self._usage: dict[str, Any] | None = None
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
            self.broken = self.broken or "a chunk that is not valid"
            return []

    def _translate(self, chunk: dict[str, Any]) -> list[bytes]:
        if error := chunk.get("error"):
            said = {"type": "api_error", "message": error.get("message", "")}
            return [_event("error", error=said)]
        self._usage = chunk.get("usage") or self._usage
        events = [] if self._started else self._start(chunk)
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) != 0:
                self.broken = self.broken or "a second choice"
                continue
            self._reason = choice.get("finish_reason") or self._reason
            events += self._delta(choice.get("delta") or {})
        return events

    def _start(self, chunk: dict[str, Any]) -> list[bytes]:
        """Chat only tells the input tokens at the end: until then the message starts with none."""
        self._started = True
        message = {
            "id": chunk.get("id", ""),
            "type": "message",
            "role": "assistant",
            "model": chunk.get("model", ""),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_to_messages(None),
        }
        return [_event("message_start", message=message)]

    def _delta(self, delta: dict[str, Any]) -> list[bytes]:
        events: list[bytes] = []
        for name in ("content", "refusal"):
            if text := delta.get(name):
                self._refused = self._refused or name == "refusal"
                events += self._text(text)
        for call in delta.get("tool_calls") or ():
            events += self._call(call)
        return events

    def _text(self, text: str) -> list[bytes]:
        events = []
        if not self._open or self._open[-1] in self._calls.values():
            events = self._open_block({"type": "text", "text": ""})
        delta = {"type": "text_delta", "text": text}
        return [*events, _event("content_block_delta", index=self._open[-1], delta=delta)]

    def _call(self, call: dict[str, Any]) -> list[bytes]:
        """Calls may be written in turns, so their blocks stay open until the end."""
        index, function = call["index"], call.get("function") or {}
        events: list[bytes] = []
        if index not in self._calls:
            events = [] if self._calls else self._close_all()
            self._calls[index] = self._blocks
            events += self._open_block({"type": "tool_use", "id": call["id"], "name": function["name"], "input": {}})
        if written := function.get("arguments"):
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
        reason = "refusal" if self._refused else STOP_REASONS.get(str(self._reason), "end_turn")
        delta = {"stop_reason": reason, "stop_sequence": None}
        return [
            *([] if self._started else self._start({})),
            *self._close_all(),
            _event("message_delta", delta=delta, usage=usage_to_messages(self._usage)),
            _event("message_stop"),
        ]


def _event(name: str, **fields: Any) -> bytes:
    return event_of(msgspec.json.encode({"type": name, **fields}), name.encode())
