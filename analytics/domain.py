"""What happened, as the write door takes it: a call that started, and the usage event that ends it.

Both travel as JSON through an append-only stream and are idempotent by `request_id`. Money is integer nano-USD.
"""

from __future__ import annotations

from typing import Any

import msgspec


class CallStarted(msgspec.Struct, frozen=True, tag="started", tag_field="kind", omit_defaults=True):
    """A provider is about to be called.

    If no `UsageEvent` follows before `process_id` falls silent, `estimate_nano` is billed.
    """

    request_id: str
    org_id: str
    key_id: str
    process_id: str
    wire: str
    requested_model: str
    model: str
    provider: str
    routing_mode: str
    routing_reason: str
    estimate_nano: int
    estimate_input_tokens: int
    estimate_output_tokens: int
    price_version: str
    tags: tuple[str, ...] = ()
    end_user: str = ""
    task: str = ""


class UsageEvent(msgspec.Struct, frozen=True, tag="finished", tag_field="kind", omit_defaults=True):
    """One answered request: what it used, what it cost, what it would have cost, and why.

    `tier` is 0 for a provider's answer, 1 to 3 for a cache's. `outcome` is `ok`, `client_disconnect`,
    `provider_error` or `estimated`. `input_tokens` includes the cached and the cache-writing ones. `task` is the
    detected kind of task (`code`, `classification`, ...), empty when none was. `key_id` is empty for a session.
    """

    request_id: str
    org_id: str
    key_id: str
    wire: str
    requested_model: str
    model: str
    provider: str
    routing_mode: str
    routing_reason: str
    tier: int
    outcome: str
    status: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_nano: int
    original_cost_nano: int
    own_spend_nano: int
    baseline_model: str
    price_version: str
    latency_ms: int
    first_byte_ms: int = 0
    usage_estimated: bool = False
    quality: float | None = None
    techniques: tuple[str, ...] = ()
    tokens_saved: int = 0
    tags: tuple[str, ...] = ()
    end_user: str = ""
    receipt: dict[str, Any] = {}
    task: str = ""


Event = CallStarted | UsageEvent
