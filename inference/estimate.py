"""What a call used when its provider did not say: our own count of the text that went up and of what came back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from inference.domain import Order, Usage
from inference.tokens import count_tokens
from inference.wire.usage import priced

_COUNTED_AT_ONCE = 20_000
"""Characters that may be counted on the event loop; more is counted in a thread."""

_NOT_TEXT = frozenset(
    {
        "model", "url", "image_url", "data", "file_data", "file_id", "id", "type", "role", "signature",
        "encrypted_content",
    }
)  # fmt: skip


async def estimate_usage(order: Order, stated: Usage | None, written: str) -> Usage:
    """What the provider stated, completed by our count: of the prompt if it stated nothing, of `written` in any case.

    Never more than the bounds that were reserved: media is not text, and is part of the bound. A way of being served
    that was asked for is taken for given, as nothing else was said.
    """
    call = order.call
    output_bound = max(order.reserve_tokens - call.input_token_bound, 0)
    output = await _count(written)
    if call.max_output_tokens is not None:
        output = min(output, output_bound)
    if stated is not None:
        return replace(stated, output_tokens=max(stated.output_tokens, output), estimated=True)
    prompt = await count_prompt(call.body)
    return Usage(min(prompt, call.input_token_bound), output, estimated=True, service=priced(call.service))


async def count_prompt(body: Any) -> int:
    """The tokens of all text in a request body, by our own tokenizer."""
    return await _count("\n".join(_texts(body)))


async def _count(text: str) -> int:
    if len(text) <= _COUNTED_AT_ONCE:
        return count_tokens(text)
    return await asyncio.to_thread(count_tokens, text)


def _texts(part: Any) -> Iterator[str]:
    """Every piece of text in a request body, media and identifiers left out."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for item in part:
            yield from _texts(item)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name not in _NOT_TEXT:
                yield from _texts(value)
