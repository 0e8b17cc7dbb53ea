"""OpenAI's chat answers: one JSON object, or chunks in server-sent events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from inference.simulator import tokens
from inference.simulator.answers import Answer, Finish, ToolCall
from inference.simulator.openai.sounds import PER_TOKEN, last_of_sound, sound_of, whole_sound
from inference.simulator.replies import Event, Metered
from inference.simulator.searching import WebSearch, cited_span
from inference.simulator.tokens import Piece

_FINISH = {Finish.END: "stop", Finish.STOP: "stop", Finish.LENGTH: "length", Finish.TOOLS: "tool_calls"}
_UNLIKELY = (" the", " a", ".", ",", " and", " of", " to", " is", "\n", " in", " for", " it", " that", " we", " you")
_PADDING = "abcdefghijklmnopqrstuvwxyz012345"
DONE = Event(b"data: [DONE]\n\n", 0)


@dataclass(frozen=True, slots=True)
class Style:
    """What the request asked about the form of its answer."""

    id: str
    created: int
    model: str
    service_tier: str
    fingerprint: str
    legacy_functions: bool = False
    logprobs: bool = False
    top_logprobs: int = 0
    include_usage: bool = False
    obfuscate: bool = False
    sound_id: str | None = None
    search: WebSearch | None = None

    def sounds(self, answer: Answer) -> str | None:
        """The id of an answer's sound; a call of a tool is never spoken."""
        return None if answer.calls else self.sound_id


def usage_of(metered: Metered, *, writes: bool) -> dict[str, Any]:
    details = {"cached_tokens": metered.cached, "audio_tokens": metered.audio_input}
    if writes:
        details["cache_write_tokens"] = metered.cache_written
    return {
        "prompt_tokens": metered.input,
        "completion_tokens": metered.output,
        "total_tokens": metered.input + metered.output,
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": metered.reasoning,
            "audio_tokens": metered.audio_output,
            "accepted_prediction_tokens": metered.accepted_prediction,
            "rejected_prediction_tokens": metered.rejected_prediction,
        },
    }


def whole(answers: list[Answer], style: Style, usage: dict[str, Any]) -> bytes:
    return msgspec.json.encode(
        {
            "id": style.id,
            "object": "chat.completion",
            "created": style.created,
            "model": style.model,
            "choices": [
                {
                    "index": index,
                    "message": _message(answer, style),
                    "logprobs": _logprobs(answer.text, style) if style.logprobs else None,
                    "finish_reason": _finish(answer, style),
                }
                for index, answer in enumerate(answers)
            ],
            "usage": usage,
            "service_tier": style.service_tier,
            "system_fingerprint": style.fingerprint,
        }
    )


def _finish(answer: Answer, style: Style) -> str:
    if style.legacy_functions and answer.finish is Finish.TOOLS:
        return "function_call"
    return _FINISH[answer.finish]


def _message(answer: Answer, style: Style) -> dict[str, Any]:
    text = tokens.text_of(answer.text)
    sound_id = style.sounds(answer)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if sound_id or (answer.calls and not text) else text,
        "refusal": None,
        "annotations": _citations(text, style.search),
    }
    if sound_id:
        message["audio"] = whole_sound(answer.text, sound_id)
    if answer.calls and style.legacy_functions:
        message["function_call"] = {"name": answer.calls[0].name, "arguments": answer.calls[0].text}
    elif answer.calls:
        message["tool_calls"] = [_call(call, call.text) for call in answer.calls]
    return message


def _citations(text: str, search: WebSearch | None) -> list[dict[str, Any]]:
    if search is None or not text:
        return []
    page = search.pages[0]
    start, end = cited_span(text)
    cited = {"start_index": start, "end_index": end, "title": page.title, "url": page.url}
    return [{"type": "url_citation", "url_citation": cited}]


def _call(call: ToolCall, text: str) -> dict[str, Any]:
    if call.free_text:
        return {"id": f"call_{call.id}", "type": "custom", "custom": {"name": call.name, "input": text}}
    return {"id": f"call_{call.id}", "type": "function", "function": {"name": call.name, "arguments": text}}


def _logprobs(pieces: tuple[Piece, ...], style: Style) -> dict[str, Any]:
    return {"content": [logprob_of(piece, style.top_logprobs) for piece in pieces], "refusal": None}


def logprob_of(piece: Piece, alternatives: int) -> dict[str, Any]:
    """A likely-looking number that depends on the token alone."""
    value = -(sum(piece.text.encode()) % 97) / 400
    entry = {"token": piece.text, "logprob": value, "bytes": list(piece.text.encode())}
    others = [text for text in _UNLIKELY if text != piece.text][: max(0, alternatives - 1)]
    tops = [entry] if alternatives else []
    tops += [
        {"token": text, "logprob": value - 2 - rank / 4, "bytes": list(text.encode())}
        for rank, text in enumerate(others)
    ]
    return {**entry, "top_logprobs": tops}


class ChunkWriter:
    """Writes the chunks of one stream. What is the same in every chunk is encoded once: a chunk costs about 2 µs."""

    def __init__(self, style: Style) -> None:
        self._style = style
        head = msgspec.json.encode(
            {
                "id": style.id,
                "object": "chat.completion.chunk",
                "created": style.created,
                "model": style.model,
                "service_tier": style.service_tier,
                "system_fingerprint": style.fingerprint,
            }
        )
        self._head = b"data: " + head[:-1] + b',"choices":['
        self._tail = (b'],"usage":null' if style.include_usage else b"]") + b"}\n\n"

    def events(self, answers: list[Answer], usage: dict[str, Any]) -> Iterator[Event]:
        for index, answer in enumerate(answers):
            yield from self._choice(index, answer)
        if self._style.include_usage:
            yield Event(self._head + b'],"usage":' + msgspec.json.encode(usage) + b"}\n\n", 0)
        yield DONE

    def _choice(self, index: int, answer: Answer) -> Iterator[Event]:
        sound_id = self._style.sounds(answer)
        first = {"role": "assistant", "content": None if answer.calls or sound_id else "", "refusal": None}
        yield Event(self._chunk(index, msgspec.json.encode(first)), answer.reasoning_tokens)
        yield from self._sound(index, answer, sound_id) if sound_id else self._text(index, answer)
        for number, call in enumerate(answer.calls):
            yield from self._call(index, number, call)
        yield Event(self._chunk(index, b"{}", finish=b'"%s"' % _finish(answer, self._style).encode()), 0)

    def _text(self, index: int, answer: Answer) -> Iterator[Event]:
        for piece in answer.text:
            logprobs = msgspec.json.encode(_logprobs((piece,), self._style)) if self._style.logprobs else b"null"
            delta = b'{"content":' + msgspec.json.encode(piece.text) + b"}"
            yield Event(self._chunk(index, delta, logprobs=logprobs, padded=len(piece.text)), piece.tokens)
        if self._style.search is not None:
            citations = _citations(tokens.text_of(answer.text), self._style.search)
            yield Event(self._chunk(index, msgspec.json.encode({"annotations": citations})), 0)

    def _sound(self, index: int, answer: Answer, sound_id: str) -> Iterator[Event]:
        for piece in answer.text:
            delta = msgspec.json.encode({"audio": sound_of(piece, sound_id)})
            yield Event(self._chunk(index, delta), piece.tokens * (1 + PER_TOKEN))
        yield Event(self._chunk(index, msgspec.json.encode({"audio": last_of_sound(sound_id)})), 0)

    def _call(self, index: int, number: int, call: ToolCall) -> Iterator[Event]:
        start = {"index": number, **_call(call, "")}
        key, field = ("custom", "input") if call.free_text else ("function", "arguments")
        opening: dict[str, Any] = {"tool_calls": [start]}
        if self._style.legacy_functions:
            opening = {"function_call": start["function"]}
        yield Event(self._chunk(index, msgspec.json.encode(opening)), tokens.count(call.name))
        for piece in call.arguments:
            more: dict[str, Any] = {"tool_calls": [{"index": number, key: {field: piece.text}}]}
            if self._style.legacy_functions:
                more = {"function_call": {"arguments": piece.text}}
            yield Event(self._chunk(index, msgspec.json.encode(more)), piece.tokens)

    def _chunk(
        self, index: int, delta: bytes, *, logprobs: bytes = b"null", finish: bytes = b"null", padded: int = 0
    ) -> bytes:
        choice = b'{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":%b}' % (index, delta, logprobs, finish)
        if not self._style.obfuscate:
            return self._head + choice + self._tail
        padding = b',"obfuscation":"%s"}\n\n' % padding_for(padded).encode()
        return self._head + choice + self._tail[:-3] + padding


def padding_for(size: int) -> str:
    """Chunks are padded so that their sizes on the wire do not tell their tokens apart."""
    return _PADDING[size % 16 : 16 + size % 8]
