"""A stream of chat chunks as the events of a response, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from inference.wire.decoding import INVALID
from inference.wire.errors import ErrorKind
from inference.wire.responses.errors import error_event
from inference.wire.responses.replay import Writer
from inference.wire.sse import data_of
from inference.wire.translate import responses_answer as made
from inference.wire.translate.answers import UNSAYABLE_PARTS
from inference.wire.translate.endings import text
from inference.wire.translate.responses_tools import custom_names

Json = dict[str, Any]


class _Message:
    """The message being written: at most a text, and a refusal after it."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.id = made.new_item_id("msg")
        self.parts: list[tuple[str, list[str]]] = []
        """The field that grows, and its pieces."""

    def done(self, status: str) -> Json:
        whole = {"text": made.text_part, "refusal": made.refusal_part}
        return made.message_item(self.id, [whole[name]("".join(pieces)) for name, pieces in self.parts], status)


class _Call:
    """A call of a tool being written."""

    def __init__(self, index: int, call: Json, *, custom: bool) -> None:
        self.index = index
        self.custom = custom
        self.id = made.new_item_id("ctc" if custom else "fc")
        self.call_id, self.name = text(call["id"]), text(call["function"]["name"])
        self.pieces: list[str] = []

    def begun(self) -> Json:
        item = self.done("in_progress")
        return {**item, "input" if self.custom else "arguments": ""}

    def done(self, status: str) -> Json:
        written = "".join(self.pieces)
        if self.custom:
            return made.custom_call_item(self.id, self.call_id, self.name, written)
        return made.call_item(self.id, self.call_id, self.name, written, status)


class StreamToResponses:
    """Takes the events of one chat stream in order, gives the events that say the same of a response.

    Chat tells its usage after the last words, so what closes the response waits for `[DONE]`. `broken` names the first
    thing that is not valid or that a response cannot say. What comes after it is not the answer any more: it is kept
    back, and the stream ends in an error.
    """

    def __init__(self, request: Mapping[str, Any], *, created: int) -> None:
        self._request = request
        self._custom = custom_names(request)
        self._created = created
        self._writer = Writer()
        self._head: Json | None = None
        self._items: list[_Message | _Call] = []
        self._message: _Message | None = None
        self._calls: dict[int, _Call] = {}
        self._reason: str | None = None
        self._usage: Json | None = None
        self.broken: str | None = None

    def feed(self, event: bytes) -> list[bytes]:
        data = data_of(event).strip()
        if not data:
            return [event] if event.startswith(b":") else []
        if data == b"[DONE]":
            return self._end()
        try:
            return self._translate(msgspec.json.decode(data))
        except (*INVALID, KeyError, TypeError, AttributeError):
            return self._break("a chunk that is not valid")

    def _break(self, what: str) -> list[bytes]:
        self.broken = self.broken or what
        return []

    def _translate(self, chunk: Json) -> list[bytes]:
        if error := chunk.get("error"):
            return [error_event(ErrorKind.INTERNAL, str(error.get("message", "")), code="server_error")]
        self._usage = chunk.get("usage") or self._usage
        if self.broken is not None:
            return []
        events = self._start(chunk)
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) != 0:
                return self._break("a second choice")
            if (reason := choice.get("finish_reason")) is not None:
                self._reason = text(reason)
            events += self._delta(choice.get("delta") or {})
        return events

    def _start(self, chunk: Json) -> list[bytes]:
        if self._head is not None:
            return []
        self._head = made.head_of(self._request, created=self._created, model=str(chunk.get("model") or ""))
        return [self._writer.event(f"response.{state}", response=self._head) for state in ("created", "in_progress")]

    def _delta(self, delta: Json) -> list[bytes]:
        for name in UNSAYABLE_PARTS:
            if delta.get(name):
                return self._break(f"a delta of {name}")
        events: list[bytes] = []
        for name, field in (("content", "text"), ("refusal", "refusal")):
            if piece := delta.get(name):
                events += self._say(field, text(piece))
        for call in delta.get("tool_calls") or ():
            events += self._call(call)
        return events

    def _say(self, field: str, piece: str) -> list[bytes]:
        events = [] if self._message else self._open_message()
        message = self._message
        assert message is not None, "it was just opened"
        if not message.parts or message.parts[-1][0] != field:
            events += self._close_part(message)
            message.parts.append((field, []))
            empty = made.text_part("") if field == "text" else made.refusal_part("")
            events.append(self._writer.event("response.content_part.added", **_at(message), part=empty))
        message.parts[-1][1].append(piece)
        told: Json = {"delta": piece, "logprobs": []} if field == "text" else {"delta": piece}
        kind = "output_text" if field == "text" else "refusal"
        return [*events, self._writer.event(f"response.{kind}.delta", **_at(message), **told)]

    def _open_message(self) -> list[bytes]:
        message = self._message = _Message(len(self._items))
        self._items.append(message)
        empty = made.message_item(message.id, [], "in_progress")
        return [self._writer.event("response.output_item.added", output_index=message.index, item=empty)]

    def _close_part(self, message: _Message) -> list[bytes]:
        if not message.parts:
            return []
        field, pieces = message.parts[-1]
        said = "".join(pieces)
        if field == "text":
            told = self._writer.event("response.output_text.done", **_at(message), text=said, logprobs=[])
            part = made.text_part(said)
        else:
            told = self._writer.event("response.refusal.done", **_at(message), refusal=said)
            part = made.refusal_part(said)
        return [told, self._writer.event("response.content_part.done", **_at(message), part=part)]

    def _call(self, delta: Json) -> list[bytes]:
        """Calls may be written in turns, so their items stay open until the end."""
        position, function = delta["index"], delta.get("function") or {}
        events: list[bytes] = []
        if type(position) is not int:
            return self._break("a call without a number")
        call = self._calls.get(position)
        if call is None:
            call = _Call(len(self._items), delta, custom=function["name"] in self._custom)
            self._calls[position] = call
            self._items.append(call)
            events.append(self._writer.event("response.output_item.added", output_index=call.index, item=call.begun()))
        if written := function.get("arguments"):
            call.pieces.append(text(written))
            if not call.custom:
                where = {"item_id": call.id, "output_index": call.index}
                events.append(self._writer.event("response.function_call_arguments.delta", **where, delta=written))
        return events

    def _end(self) -> list[bytes]:
        if self.broken is not None:
            message = f"the answer cannot be given: the provider sent {self.broken}"
            return [error_event(ErrorKind.INTERNAL, message, code="server_error")]
        events = self._start({})
        if not self._items:
            events += self._say("text", "")
        assert self._head is not None, "it was just begun"
        whole = made.finished(self._head, [], finish_reason=self._reason, usage=self._usage)
        whole["output"] = [item.done(whole["status"]) for item in self._items]
        for item, done in zip(self._items, whole["output"], strict=True):
            events += self._close_part(item) if isinstance(item, _Message) else self._close_call(item, done)
            events.append(self._writer.event("response.output_item.done", output_index=item.index, item=done))
        return [*events, self._writer.event(f"response.{whole['status']}", response=whole)]

    def _close_call(self, call: _Call, done: Json) -> list[bytes]:
        """What a model wrote for a custom tool is only known when it has written all of it."""
        where = {"item_id": call.id, "output_index": call.index}
        if call.custom:
            return [
                self._writer.event("response.custom_tool_call_input.delta", **where, delta=done["input"]),
                self._writer.event("response.custom_tool_call_input.done", **where, input=done["input"]),
            ]
        arguments = done["arguments"]
        events = []
        if not call.pieces:
            events = [self._writer.event("response.function_call_arguments.delta", **where, delta=arguments)]
        told = {"name": call.name, "arguments": arguments}
        return [*events, self._writer.event("response.function_call_arguments.done", **where, **told)]


def _at(message: _Message) -> Json:
    return {"item_id": message.id, "output_index": message.index, "content_index": max(len(message.parts) - 1, 0)}
