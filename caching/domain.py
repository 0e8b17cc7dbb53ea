"""What a cache holds and what it says, without a framework."""

from __future__ import annotations

import msgspec


class CachedAnswer(msgspec.Struct, frozen=True, array_like=True):
    """A complete answer as it is kept in T1. `body` is the provider's JSON in the shape of `wire`."""

    wire: str
    body: bytes
    model: str
    provider: str
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    reasoning_tokens: int
    service: str
    stored_at: float
    task: str
    quality: float | None
    simulated: bool
