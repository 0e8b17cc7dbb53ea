"""What a call used when its provider did not say: our own count of the text that went up and of what came back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from inference.domain import Order, Usage, Wire
from inference.tokens import count_tokens
from inference.wire.media import usual_media_tokens
from inference.wire.usage import priced

_COUNTED_AT_ONCE = 20_000
"""Characters that may be counted on the event loop; more is counted in a thread."""

_MARKS = 3
"""Tokens that begin and end a turn, and that call for the answer, in the published chat format."""

_FORMS = ("tools", "functions", "response_format", "output_config", "text")
_NOT_TEXT = frozenset(
    {
        "model", "url", "image_url", "data", "file_data", "file_id", "id", "type", "role", "signature",
        "encrypted_content",
    }
)  # fmt: skip


async def estimate_usage(order: Order, stated: Usage | None, written: str) -> Usage:
    """What the provider stated, completed by our count: of the prompt if it stated nothing, of `written` in any case.

    Never more than the bounds that were reserved: media is not text, and is part of the bound. A way of being served
    that was asked for is taken for given, as nothing else was said. No prompt has no tokens: a stream that begins with
    none has not told them yet.
    """
    call = order.call
    output_bound = max(order.reserve_tokens - call.input_token_bound, 0)
    output = await _count([written])
    if call.max_output_tokens is not None:
        output = min(output, output_bound)
    if stated is not None and stated.input_tokens:
        return replace(stated, output_tokens=max(stated.output_tokens, output), estimated=True)
    prompt = await count_prompt(call.body, call.wire)
    return Usage(min(prompt, call.input_token_bound), output, estimated=True, service=priced(call.service))


async def count_prompt(body: Mapping[str, Any], wire: Wire) -> int:
    """The tokens of a request by our own tokenizer, laid out as models read it: each turn behind its role."""
    if wire is Wire.EMBEDDINGS:
        given = body.get("input")
        texts = list(_texts(given))
        return await _count(texts) if texts else _numbers_in(given)
    turns = list(_turns(body))
    return await _count(turns) + _MARKS * (len(turns) + 1)


async def count_request(body: Mapping[str, Any], wire: Wire) -> int:
    """The same with what pictures, sounds and documents usually come to: a guess at what a provider would count."""
    return await count_prompt(body, wire) + usual_media_tokens(body)


async def _count(texts: Sequence[str]) -> int:
    if sum(map(len, texts)) <= _COUNTED_AT_ONCE:
        return sum(map(count_tokens, texts))
    return await asyncio.to_thread(lambda: sum(map(count_tokens, texts)))


def _numbers_in(given: Any) -> int:
    """Of texts that the caller made tokens of already."""
    return sum(map(_numbers_in, given)) if isinstance(given, list) else int(isinstance(given, int))


def _turns(body: Mapping[str, Any]) -> Iterator[str]:
    """Tools and the form of the answer come first, then what is said by each in turn."""
    for name in _FORMS:
        form = body.get(name)
        if form and isinstance(form, dict | list):
            yield msgspec.json.encode(form).decode()
    for name, speaker in (("system", "system"), ("instructions", "developer")):
        if body.get(name):
            yield _turn(speaker, body[name])
    said = body.get("messages") or body.get("input") or ()
    for turn in [said] if isinstance(said, str) else said:
        role = turn.get("role") if isinstance(turn, dict) else None
        yield _turn(str(role or "user"), turn)


def _turn(role: str, said: Any) -> str:
    return f"{role}\n" + "\n".join(_texts(said))


def _texts(part: Any) -> Iterator[str]:
    """Every piece of text in a request body, media and identifiers left out."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for item in part:
            yield from _texts(item)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "tool_calls" and isinstance(value, list):
                yield from (msgspec.json.encode(call).decode() for call in value)  # read as they were written
            elif name not in _NOT_TEXT:
                yield from _texts(value)
