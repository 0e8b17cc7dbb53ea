"""A whole response as the stream that the provider would have sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from inference.wire.pieces import pieces_of
from inference.wire.sse import event_of

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode

_NOT_YET: Final[Json] = {
    "status": "in_progress",
    "output": [],
    "usage": None,
    "incomplete_details": None,
    "error": None,
}
"""What a response says of itself before anything was done."""

_AFTERWARDS: Final = ("completed_at", "tool_usage")

_ENDINGS: Final = {"incomplete": "incomplete", "failed": "failed", "cancelled": "failed"}
"""The event that ends a stream, by the status of the response. There is none of its own for a cancelled one."""

SEARCH_STATES: Final = ("in_progress", "searching", "completed")


def replay(body: bytes, *, include_usage: bool) -> Iterator[bytes]:  # noqa: ARG001 - it is in the last event anyway
    """The events of a cached answer in the provider's order."""
    return Writer().whole(msgspec.json.decode(body))


def begun(response: Json) -> Json:
    """A response as its first events show it."""
    later: Json = {name: None for name in _AFTERWARDS if name in response}
    return {**response, **_NOT_YET, **later}


class Writer:
    """Numbers the events of one stream."""

    def __init__(self) -> None:
        self._number = -1

    def event(self, kind: str, **fields: Any) -> bytes:
        self._number += 1
        return event_of(_encode({"type": kind, "sequence_number": self._number, **fields}), kind.encode())

    def whole(self, response: Json) -> Iterator[bytes]:
        yield from self.beginning(response)
        yield from self.rest(response)

    def beginning(self, response: Json) -> Iterator[bytes]:
        start = begun(response)
        yield self.event("response.created", response=start)
        yield self.event("response.in_progress", response=start)

    def rest(self, response: Json) -> Iterator[bytes]:
        for index, item in enumerate(response.get("output") or ()):
            yield from self.item(index, item)
        ending = _ENDINGS.get(str(response.get("status")), "completed")
        yield self.event(f"response.{ending}", response=response)

    def item(self, index: int, item: Json) -> Iterator[bytes]:
        """One output item: how it begins, what is added to it, and as it is when done."""
        where = {"item_id": item.get("id", ""), "output_index": index}
        growth = _GROWTH.get(str(item.get("type")))
        empty = growth[0](item) if growth else item
        yield self.event("response.output_item.added", output_index=index, item=empty)
        if growth:
            yield from growth[1](self, where, item)
        yield self.event("response.output_item.done", output_index=index, item=item)

    def message(self, where: Json, item: Json) -> Iterator[bytes]:
        for position, part in enumerate(item.get("content") or ()):
            at = {**where, "content_index": position}
            if part.get("type") == "output_text":
                yield from self._text(at, part)
            elif part.get("type") == "refusal":
                yield from self._refusal(at, part)

    def _text(self, at: Json, part: Json) -> Iterator[bytes]:
        empty = {**part, "text": "", "annotations": []}
        yield self.event("response.content_part.added", **at, part=empty)
        logprobs = part.get("logprobs") or []
        # Log probabilities belong to the tokens of their event, so the text stays in one piece.
        pieces = [part["text"]] if logprobs else pieces_of(part["text"])
        for piece in pieces:
            yield self.event("response.output_text.delta", **at, delta=piece, logprobs=logprobs)
        for number, annotation in enumerate(part.get("annotations") or ()):
            noted = {"annotation_index": number, "annotation": annotation}
            yield self.event("response.output_text.annotation.added", **at, **noted)
        yield self.event("response.output_text.done", **at, text=part["text"], logprobs=logprobs)
        yield self.event("response.content_part.done", **at, part=part)

    def _refusal(self, at: Json, part: Json) -> Iterator[bytes]:
        yield self.event("response.content_part.added", **at, part={**part, "refusal": ""})
        for piece in pieces_of(part["refusal"]):
            yield self.event("response.refusal.delta", **at, delta=piece)
        yield self.event("response.refusal.done", **at, refusal=part["refusal"])
        yield self.event("response.content_part.done", **at, part=part)

    def reasoning(self, where: Json, item: Json) -> Iterator[bytes]:
        for position, part in enumerate(item.get("summary") or ()):
            at = {**where, "summary_index": position}
            yield self.event("response.reasoning_summary_part.added", **at, part={**part, "text": ""})
            for piece in pieces_of(part["text"]):
                yield self.event("response.reasoning_summary_text.delta", **at, delta=piece)
            yield self.event("response.reasoning_summary_text.done", **at, text=part["text"])
            yield self.event("response.reasoning_summary_part.done", **at, part=part)

    def arguments(self, where: Json, item: Json) -> Iterator[bytes]:
        for piece in pieces_of(item["arguments"]):
            yield self.event("response.function_call_arguments.delta", **where, delta=piece)
        told = {"name": item["name"], "arguments": item["arguments"]}
        yield self.event("response.function_call_arguments.done", **where, **told)

    def custom(self, where: Json, item: Json) -> Iterator[bytes]:
        for piece in pieces_of(item["input"]):
            yield self.event("response.custom_tool_call_input.delta", **where, delta=piece)
        yield self.event("response.custom_tool_call_input.done", **where, input=item["input"])

    def search(self, where: Json, item: Json) -> Iterator[bytes]:  # noqa: ARG002 - as every kind of item
        for state in SEARCH_STATES:
            yield self.event(f"response.web_search_call.{state}", **where)


_GROWTH: Final[dict[str, tuple[Callable[[Json], Json], Callable[[Writer, Json, Json], Iterator[bytes]]]]] = {
    "message": (lambda item: {**item, "status": "in_progress", "content": []}, Writer.message),
    "reasoning": (lambda item: {**item, "summary": []}, Writer.reasoning),
    "function_call": (lambda item: {**item, "status": "in_progress", "arguments": ""}, Writer.arguments),
    "custom_tool_call": (lambda item: {**item, "input": ""}, Writer.custom),
    "web_search_call": (lambda item: {**item, "status": "in_progress"}, Writer.search),
}
"""How an item begins, and how it grows. The others come whole."""
