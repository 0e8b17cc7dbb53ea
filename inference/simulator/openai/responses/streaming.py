"""A response as the events of a stream, numbered, in the order the provider sends them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from inference.simulator.openai.rendering import padding_for
from inference.simulator.openai.responses.outputs import Item
from inference.simulator.replies import Event

Json = dict[str, Any]


class EventWriter:
    """Writes the events of one stream. `response` is the finished body; the first events show it still empty."""

    def __init__(self, response: Json, *, obfuscate: bool) -> None:
        self._response = response
        self._obfuscate = obfuscate
        self._number = -1

    def events(self, items: Sequence[Item]) -> Iterator[Event]:
        empty = {
            **self._response,
            "status": "in_progress",
            "output": [],
            "usage": None,
            "incomplete_details": None,
            "completed_at": None,
        }
        if self._response["background"]:
            queued = {**empty, "status": "queued"}
            yield self._event("response.created", response=queued)
            yield self._event("response.queued", response=queued)
        else:
            yield self._event("response.created", response=empty)
        yield self._event("response.in_progress", response=empty)
        for index, item in enumerate(items):
            yield self._event("response.output_item.added", item.start_tokens, output_index=index, item=item.start)
            yield from self._growth(index, item)
            yield self._event("response.output_item.done", output_index=index, item=item.done)
        yield self._event(f"response.{self._response['status']}", response=self._response)

    def _growth(self, index: int, item: Item) -> Iterator[Event]:
        where = {"item_id": item.done["id"], "output_index": index}
        match item.done["type"]:
            case "message":
                yield from self._text(where, item)
            case "reasoning" if item.pieces:
                yield from self._summary(where, item)
            case "function_call":
                yield from self._arguments("response.function_call_arguments", "arguments", where, item)
            case "custom_tool_call":
                yield from self._arguments("response.custom_tool_call_input", "input", where, item)
            case "web_search_call":
                for state in ("in_progress", "searching", "completed"):
                    yield self._event(f"response.web_search_call.{state}", **where)

    def _text(self, where: Json, item: Item) -> Iterator[Event]:
        [part] = item.done["content"]
        where = {**where, "content_index": 0}
        empty = {**part, "text": "", "annotations": [], "logprobs": []}
        yield self._event("response.content_part.added", **where, part=empty)
        logprobs = part["logprobs"] or [None] * len(item.pieces)
        for piece, logprob in zip(item.pieces, logprobs, strict=True):
            said = {"delta": piece.text, "logprobs": [logprob] if logprob else []}
            yield self._event("response.output_text.delta", piece.tokens, **where, **said, **self._padding(piece.text))
        for number, annotation in enumerate(part["annotations"]):
            noted = {"annotation_index": number, "annotation": annotation}
            yield self._event("response.output_text.annotation.added", **where, **noted)
        yield self._event("response.output_text.done", **where, text=part["text"], logprobs=part["logprobs"])
        yield self._event("response.content_part.done", **where, part=part)

    def _summary(self, where: Json, item: Item) -> Iterator[Event]:
        """The summary's own tokens are not counted: reasoning was, when the item began."""
        where = {**where, "summary_index": 0}
        [part] = item.done["summary"]
        yield self._event("response.reasoning_summary_part.added", **where, part={**part, "text": ""})
        for piece in item.pieces:
            yield self._event("response.reasoning_summary_text.delta", **where, delta=piece.text)
        yield self._event("response.reasoning_summary_text.done", **where, text=part["text"])
        yield self._event("response.reasoning_summary_part.done", **where, part=part)

    def _arguments(self, name: str, field: str, where: Json, item: Item) -> Iterator[Event]:
        for piece in item.pieces:
            yield self._event(f"{name}.delta", piece.tokens, **where, delta=piece.text, **self._padding(piece.text))
        yield self._event(f"{name}.done", **where, **{field: item.done[field]})

    def _padding(self, text: str) -> Json:
        return {"obfuscation": padding_for(len(text))} if self._obfuscate else {}

    def _event(self, kind: str, count: int = 0, /, **fields: Any) -> Event:
        self._number += 1
        body = {"type": kind, "sequence_number": self._number, **fields}
        return Event(b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(body)), count)
