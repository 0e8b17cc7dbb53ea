"""Faults on demand: slow, failing, half-finished, garbled or silent answers, decided by seed and call number."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated

import msgspec

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0)]


class Trouble(StrEnum):
    """The one thing that goes wrong with a call."""

    NONE = "none"
    ERROR = "error"
    HANG = "hang"
    GARBAGE = "garbage"
    HALF = "half"


class FaultPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How calls are disturbed. The rates are shares of the calls and add up to at most 1.

    `latency_ms` passes before any answer, `first_byte_ms` in addition before a stream, `chunk_ms` between two chunks.
    `models` limits the plan to calls of these models; `times` to the next so many of them.
    """

    latency_ms: Milliseconds = 0
    first_byte_ms: Milliseconds = 0
    chunk_ms: Milliseconds = 0
    error_rate: Rate = 0.0
    error_status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 500
    half_stream_rate: Rate = 0.0
    garbage_rate: Rate = 0.0
    hang_rate: Rate = 0.0
    retry_after: Annotated[float, msgspec.Meta(ge=0)] | None = None
    models: tuple[str, ...] = ()
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        if self.error_rate + self.half_stream_rate + self.garbage_rate + self.hang_rate > 1:
            raise ValueError("error_rate, half_stream_rate, garbage_rate and hang_rate add up to more than 1")

    def trouble_at(self, roll: float) -> Trouble:
        """Which trouble a number in [0, 1) stands for."""
        for rate, trouble in (
            (self.error_rate, Trouble.ERROR),
            (self.hang_rate, Trouble.HANG),
            (self.garbage_rate, Trouble.GARBAGE),
            (self.half_stream_rate, Trouble.HALF),
        ):
            if roll < rate:
                return trouble
            roll -= rate
        return Trouble.NONE


class Disturbance(msgspec.Struct, frozen=True):
    """What happens to one call."""

    plan: FaultPlan
    trouble: Trouble


class FaultSwitch:
    """The plan in force. A plan with `times` gives way to the one the process was started with when it is used up."""

    def __init__(self, *, base: FaultPlan, seed: int) -> None:
        self._base = base
        self._seed = seed
        self._plan = base
        self._left = base.times
        self._calls = 0

    @property
    def plan(self) -> FaultPlan:
        return self._plan

    def set(self, plan: FaultPlan) -> None:
        """Put a plan in force. Calls are counted from here, so that the same plan hits the same calls again."""
        self._plan = plan
        self._left = plan.times
        self._calls = 0

    def reset(self) -> None:
        self.set(self._base)

    def next_for(self, model: str) -> Disturbance:
        """Decide about the next call, and count it."""
        plan = self._plan
        if plan.models and model not in plan.models:
            return Disturbance(self._base, Trouble.NONE)
        self._calls += 1
        disturbance = Disturbance(plan, plan.trouble_at(self._roll()))
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.reset()
        return disturbance

    def _roll(self) -> float:
        plan = self._plan
        if not (plan.error_rate or plan.half_stream_rate or plan.garbage_rate or plan.hang_rate):
            return 0.0
        digest = hashlib.blake2b(f"{self._seed}:{self._calls}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64
