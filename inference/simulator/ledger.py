"""What was called and what was sent: the provider's own side of the bill, to compare the gateway's with."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from itertools import islice

import msgspec

REMEMBERED_CALLS = 100_000


class Outcome(StrEnum):
    OK = "ok"
    CLIENT_DISCONNECT = "client_disconnect"
    INJECTED_ERROR = "injected_error"


class ServedCall(msgspec.Struct, frozen=True, gc=False):
    """One call that was not refused. `input_tokens` includes the cached and the cache-writing ones, for every provider.

    `output_tokens` is what was really sent when the client went away. `metadata` is the caller's `x-client-request-id`.
    """

    n: int
    id: str
    provider: str
    model: str
    path: str
    stream: bool
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    outcome: Outcome
    metadata: str


class ModelTotals(msgspec.Struct):
    calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0


class Totals(msgspec.Struct):
    """Sums since the start or the last reset; `refused` counts requests answered with an error of their own making."""

    calls: int = 0
    refused: int = 0
    recordings: int = 0
    outcomes: dict[str, int] = msgspec.field(default_factory=dict)
    by_model: dict[str, ModelTotals] = msgspec.field(default_factory=dict)


class CallLedger:
    """Sums that never forget, and the latest calls one by one."""

    def __init__(self, *, remembered: int = REMEMBERED_CALLS) -> None:
        self._calls: deque[ServedCall] = deque(maxlen=remembered)
        self.totals = Totals()

    def record(
        self,
        *,
        call_id: str,
        provider: str,
        model: str,
        path: str,
        stream: bool,
        input_tokens: int,
        cached_input_tokens: int,
        cache_write_tokens: int,
        output_tokens: int,
        outcome: Outcome,
        metadata: str,
    ) -> None:
        totals = self.totals
        totals.calls += 1
        totals.outcomes[outcome] = totals.outcomes.get(outcome, 0) + 1
        of_model = totals.by_model.setdefault(model, ModelTotals())
        of_model.calls += 1
        of_model.input_tokens += input_tokens
        of_model.cached_input_tokens += cached_input_tokens
        of_model.cache_write_tokens += cache_write_tokens
        of_model.output_tokens += output_tokens
        self._calls.append(
            ServedCall(
                totals.calls,
                call_id,
                provider,
                model,
                path,
                stream,
                input_tokens,
                cached_input_tokens,
                cache_write_tokens,
                output_tokens,
                outcome,
                metadata,
            )
        )

    def since(self, n: int) -> list[ServedCall]:
        """The remembered calls numbered above `n`, oldest first."""
        if not self._calls:
            return []
        skip = max(0, n - self._calls[0].n + 1)
        return list(islice(self._calls, skip, None))

    def reset(self) -> None:
        self._calls.clear()
        self.totals = Totals()
