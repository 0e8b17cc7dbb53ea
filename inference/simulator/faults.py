"""Faults on demand: slow, failing, cut, garbled, hostile or silent answers, decided by seed and call number."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Times = Annotated[int, msgspec.Meta(ge=1)]
Shape = Literal["content_string", "usage_list", "null", "array", "number"]
UsageLie = Literal["negative", "huge", "beyond_int64", "fraction", "text", "list", "missing", "duplicated"]


class Trouble(StrEnum):
    """The one thing that goes wrong with a call. What is said of a stream's events holds for a whole body's bytes."""

    NONE = "none"
    ERROR = "error"
    """An error status before any work was done."""
    REDIRECT = "redirect"
    HANG = "hang"
    """Silence before the headers."""
    HANG_AFTER_HEADERS = "hang_after_headers"
    HANG_AFTER_CHUNKS = "hang_after_chunks"
    DRIP = "drip"
    """One byte at a time."""
    GARBAGE = "garbage"
    """Broken JSON in a 200."""
    HTML = "html"
    GZIP_BOMB = "gzip_bomb"
    """Compressed although nobody asked, and vast when unpacked."""
    CUT = "cut"
    """The connection ends in the middle."""
    NO_END = "no_end"
    """A clean end of the connection, without the events that end an answer."""
    GARBAGE_EVENT = "garbage_event"
    WRONG_SHAPE = "wrong_shape"
    """JSON that is no answer."""
    ERROR_EVENT = "error_event"
    """An error told in mid-stream; with a whole body, in a 200."""
    FAILED = "failed"
    """A response that says of itself that it failed. Other protocols have none: an error event comes instead."""
    HUGE = "huge"
    ENDLESS = "endless"
    BAD_USAGE = "bad_usage"


class FaultRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of trouble for a share of the calls.

    `models` and `paths` limit the rule to these models and to paths that end so; `times` to the next so many calls.
    Lists, polls and other calls that cost nothing are only met by a rule with `paths`.
    `after_chunks` places what happens in mid-stream (half way when not given); `seconds` ends a hang, which otherwise
    lasts until the client leaves; `pause_ms` separates the bytes of a drip and the chunks of an endless answer.
    """

    kind: Trouble
    rate: Rate = 1.0
    times: Times | None = None
    models: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    status: Annotated[int, msgspec.Meta(ge=300, le=599)] | None = None
    retry_after: Seconds | str | None = None
    retry_after_date: float | None = None
    """The same as an HTTP date, so many seconds from now."""
    after_chunks: Annotated[int, msgspec.Meta(ge=0)] | None = None
    seconds: Seconds | None = None
    pause_ms: Milliseconds = 1.0
    size: Annotated[int, msgspec.Meta(ge=1, le=2**31)] = 100_000_000
    location: str = "http://elsewhere.invalid/v1"
    shape: Shape = "content_string"
    usage: UsageLie = "negative"

    def meets(self, model: str, path: str) -> bool:
        return (not self.models or model in self.models) and (not self.paths or path.endswith(self.paths))


NO_TROUBLE = FaultRule(Trouble.NONE)


class FaultPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How calls are disturbed. The rates are shares of the calls and add up to at most 1.

    `latency_ms` passes before any answer, `first_byte_ms` in addition before a stream, `chunk_ms` between two chunks.
    `models` limits the plan to calls of these models; `times` to the next so many of them. `rules` are tried in their
    order before the rates; the first that is due decides.
    """

    latency_ms: Milliseconds = 0
    first_byte_ms: Milliseconds = 0
    chunk_ms: Milliseconds = 0
    error_rate: Rate = 0.0
    error_status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 500
    half_stream_rate: Rate = 0.0
    garbage_rate: Rate = 0.0
    hang_rate: Rate = 0.0
    retry_after: Seconds | None = None
    models: tuple[str, ...] = ()
    times: Times | None = None
    rules: tuple[FaultRule, ...] = ()

    def __post_init__(self) -> None:
        if self.error_rate + self.half_stream_rate + self.garbage_rate + self.hang_rate > 1:
            raise ValueError("error_rate, half_stream_rate, garbage_rate and hang_rate add up to more than 1")

    def rule_at(self, roll: float) -> FaultRule:
        """What the rates make of a number in [0, 1)."""
        for rate, trouble in (
            (self.error_rate, Trouble.ERROR),
            (self.hang_rate, Trouble.HANG),
            (self.garbage_rate, Trouble.GARBAGE),
            (self.half_stream_rate, Trouble.CUT),
        ):
            if roll < rate:
                return FaultRule(trouble, status=self.error_status, retry_after=self.retry_after)
            roll -= rate
        return NO_TROUBLE


class Disturbance(msgspec.Struct, frozen=True):
    """What happens to one call."""

    plan: FaultPlan
    rule: FaultRule

    @property
    def trouble(self) -> Trouble:
        return self.rule.kind


class FaultSwitch:
    """The plan in force. A plan with `times` gives way to the one the process was started with when it is used up."""

    def __init__(self, *, base: FaultPlan, seed: int) -> None:
        self._base = base
        self._seed = seed
        self.set(base)

    @property
    def plan(self) -> FaultPlan:
        return self._plan

    def set(self, plan: FaultPlan) -> None:
        """Put a plan in force. Calls are counted from here, so that the same plan hits the same calls again."""
        self._plan = plan
        self._left = plan.times
        self._rules_left = [rule.times for rule in plan.rules]
        self._calls = 0

    def reset(self) -> None:
        self.set(self._base)

    def next_for(self, model: str, path: str = "") -> Disturbance:
        """Decide about the next call, and count it."""
        plan = self._plan
        if plan.models and model not in plan.models:
            return Disturbance(self._base, NO_TROUBLE)
        self._calls += 1
        due = [rule.meets(model, path) for rule in plan.rules]
        disturbance = Disturbance(plan, self._due_rule(due) or plan.rule_at(self._roll()))
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.reset()
        return disturbance

    def next_free(self, path: str) -> FaultRule:
        """Decide about a call that costs nothing."""
        if not any(rule.paths for rule in self._plan.rules):
            return NO_TROUBLE
        self._calls += 1
        due = [bool(rule.paths) and not rule.models and rule.meets("", path) for rule in self._plan.rules]
        return self._due_rule(due) or NO_TROUBLE

    def _due_rule(self, meets: Sequence[bool]) -> FaultRule | None:
        for index, rule in enumerate(self._plan.rules):
            left = self._rules_left[index]
            if not meets[index] or left == 0 or (rule.rate < 1 and _roll(self._seed, self._calls, index) >= rule.rate):
                continue
            if left is not None:
                self._rules_left[index] = left - 1
            return rule
        return None

    def _roll(self) -> float:
        plan = self._plan
        if not (plan.error_rate or plan.half_stream_rate or plan.garbage_rate or plan.hang_rate):
            return 0.0
        return _roll(self._seed, self._calls)


def _roll(*parts: int) -> float:
    digest = hashlib.blake2b(":".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
