"""What was called and what was sent: the provider's own side of the bill, to compare the gateway's with."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import msgspec

from inference.simulator.replies import Metered

REMEMBERED_CALLS = 100_000


class Outcome(StrEnum):
    OK = "ok"
    CLIENT_DISCONNECT = "client_disconnect"
    INJECTED_ERROR = "injected_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One call, as it is entered. `worked` is what was really read and written, whatever the answer told."""

    call_id: str
    provider: str
    model: str
    path: str
    stream: bool
    told: Metered
    worked: Metered
    outcome: Outcome
    fault: str = "none"
    metadata: str = ""
    batch: str = ""


class ServedCall(msgspec.Struct, frozen=True, gc=False):
    """One call that was not refused. `input_tokens` includes the cached and the cache-writing ones, for every provider.

    `output_tokens` is what was really sent when the client went away. `metadata` is the caller's `x-client-request-id`,
    or the `custom_id` of a batch's line. `fault` names what was done to the call on purpose; `worked_…` are the tokens
    that were read and generated before it, even when an answer hides them or lies about them.
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
    service: str
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    web_searches: int
    fault: str
    worked_input_tokens: int
    worked_output_tokens: int
    batch: str


class ModelTotals(msgspec.Struct):
    calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0

    def add(self, metered: Metered) -> None:
        self.calls += 1
        self.input_tokens += metered.input
        self.cached_input_tokens += metered.cached
        self.cache_write_tokens += metered.cache_written
        self.output_tokens += metered.output


class Totals(msgspec.Struct):
    """Sums since the start or the last reset; `refused` counts requests answered with an error of their own making."""

    calls: int = 0
    refused: int = 0
    recordings: int = 0
    outcomes: dict[str, int] = msgspec.field(default_factory=dict)
    faults: dict[str, int] = msgspec.field(default_factory=dict)
    by_model: dict[str, ModelTotals] = msgspec.field(default_factory=dict)
    by_service: dict[str, ModelTotals] = msgspec.field(default_factory=dict)


class CallLedger:
    """Sums that never forget, and the latest calls one by one."""

    def __init__(self, *, remembered: int = REMEMBERED_CALLS) -> None:
        self._calls: deque[ServedCall] = deque(maxlen=remembered)
        self.totals = Totals()

    def record(self, entry: Entry) -> None:
        totals, told = self.totals, entry.told
        totals.calls += 1
        totals.outcomes[entry.outcome] = totals.outcomes.get(entry.outcome, 0) + 1
        if entry.fault != "none":
            totals.faults[entry.fault] = totals.faults.get(entry.fault, 0) + 1
        totals.by_model.setdefault(entry.model, ModelTotals()).add(told)
        totals.by_service.setdefault(told.service, ModelTotals()).add(told)
        self._calls.append(
            ServedCall(
                totals.calls,
                entry.call_id,
                entry.provider,
                entry.model,
                entry.path,
                entry.stream,
                told.input,
                told.cached,
                told.cache_written,
                told.output,
                entry.outcome,
                entry.metadata,
                told.service,
                told.reasoning,
                told.audio_input,
                told.audio_output,
                told.web_searches,
                entry.fault,
                entry.worked.input,
                entry.worked.output,
                entry.batch,
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
