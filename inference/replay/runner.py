"""Sends the workload, pass by pass, with bounded concurrency, and keeps what came back.

Refusals are handled by what they mean: 429 waits as told, then asks again; a failing gateway is asked a few times more;
a refused key, an endless wait or a gateway that is gone stop the run, which can be resumed; else the row has failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from inference.gateway_client import Answered, GatewayClient, Refused
from inference.replay.grading import grade_answer
from inference.replay.state import Done, RunState
from inference.replay.workload import Item, Workload

RETRY_SECONDS = (0.25, 1.0, 3.0)
PATIENCE_SECONDS = 120.0
"""How long a run waits for a rate limit or budget before it stops, to be resumed later."""


class Mode(StrEnum):
    STRONG = "strong"
    WEAK = "weak"
    AUTOPILOT = "autopilot"


@dataclass(frozen=True, slots=True)
class Pass:
    """One time through the workload. `repeat` counts from 1."""

    step: int
    mode: Mode
    repeat: int


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How each question is asked. `seed`, when set, keeps this run apart from every other in the caches.

    Unless `real`, an answer that a real provider gave stops the run: it costs money, and no recording stands behind it.
    """

    weak: str
    strong: str
    tags: tuple[str, ...]
    cache: str = "on"
    max_tokens: int | None = None
    quality: str | None = None
    seed: int | None = None
    real: bool = False
    concurrency: int = 32
    retry_seconds: tuple[float, ...] = RETRY_SECONDS
    patience_seconds: float = PATIENCE_SECONDS


class Progress(Protocol):
    """Is told how a run goes."""

    def begin(self, current: Pass, *, total: int, done: int) -> None: ...

    def advance(self) -> None: ...

    def wait(self, seconds: float) -> None: ...


def plan_passes(modes: Iterable[Mode], repeats: int) -> list[Pass]:
    """All modes, then all of them again: a repeat meets the caches that every first pass filled."""
    order = [(repeat, mode) for repeat in range(1, repeats + 1) for mode in modes]
    return [Pass(step, mode, repeat) for step, (repeat, mode) in enumerate(order)]


def build_request(
    question_body: Any, current: Pass, options: SendOptions, document: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """The body and headers that ask a question in a pass."""
    model = {Mode.STRONG: options.strong, Mode.WEAK: options.weak, Mode.AUTOPILOT: "asahi"}[current.mode]
    body = {**question_body, "model": model}
    if options.max_tokens is not None:
        body["max_completion_tokens"] = options.max_tokens
    if options.seed is not None:
        body["seed"] = options.seed
    headers = {"x-asahi-cache": options.cache, "x-asahi-tags": ",".join(options.tags)}
    if current.mode is Mode.AUTOPILOT:
        headers["x-asahi-candidates"] = f"{options.weak},{options.strong}"
        if options.quality is not None:
            headers["x-asahi-quality"] = options.quality
    if document:
        headers["x-asahi-document"] = document
    return body, headers


@dataclass(slots=True)
class Runner:
    """One run. `stopped_because` says why it ended before all was asked; empty when it did not."""

    client: GatewayClient
    workload: Workload
    state: RunState
    options: SendOptions
    progress: Progress
    stopped_because: str = ""
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _not_before: float = 0.0
    _answered_at: float = 0.0

    def stop(self, reason: str) -> None:
        """Asks nothing more; calls in flight still finish and are recorded."""
        self.stopped_because = self.stopped_because or reason
        self._stop.set()

    async def run(self, passes: Iterable[Pass]) -> None:
        self._answered_at = time.monotonic()
        for current in passes:
            await self._run_pass(current)
            if self._stop.is_set():
                return

    async def _run_pass(self, current: Pass) -> None:
        items = self.workload.items
        pending = [index for index in range(len(items)) if (current.step, index) not in self.state.done]
        self.progress.begin(current, total=len(items), done=len(items) - len(pending))
        queue = iter(pending)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.options.concurrency, len(pending))):
                group.create_task(self._work(current, queue))

    async def _work(self, current: Pass, queue: Iterator[int]) -> None:
        for index in queue:
            if self._stop.is_set():
                return
            done = await self._ask(current, index, self.workload.items[index])
            if done is None:
                return
            self.state.add(done)
            self.progress.advance()

    async def _ask(self, current: Pass, index: int, item: Item) -> Done | None:
        """One question until it is answered or given up; None when the run stopped first."""
        body, headers = build_request(item.question.body, current, self.options, item.question.document)
        delays = iter(self.options.retry_seconds)
        retries = lost = 0
        while await self._wait_for_turn():
            reply = await self.client.chat(body, headers)
            if isinstance(reply, Answered):
                self._answered_at = time.monotonic()
                self._check_simulated(reply)
                return _record(current, index, item, reply, retries=retries, lost=lost)
            lost += reply.cost_nano
            retries += 1
            if reply.status == 429:
                self._postpone(reply)
            elif not await self._goes_on_after(reply, delays):
                return Done(current.step, index, retries=retries - 1, lost_nano=lost, error=_describe(reply))
        return Done(current.step, index, retries=retries, lost_nano=lost, error="stopped") if lost else None

    def _check_simulated(self, reply: Answered) -> None:
        if not (self.options.real or reply.receipt.simulated) and reply.receipt.tier == "miss":
            self.stop(f"{reply.receipt.model} was answered by a real provider; pass --real if that is meant")

    async def _wait_for_turn(self) -> bool:
        """Waits as long as the gateway asked everybody to; False when the run stopped meanwhile."""
        while not self._stop.is_set() and (left := self._not_before - time.monotonic()) > 0:
            await self._pause(left)
        return not self._stop.is_set()

    async def _pause(self, seconds: float) -> None:
        """Sleeps, but wakes when the run is stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    def _postpone(self, reply: Refused) -> None:
        seconds = reply.retry_after if reply.retry_after is not None else 1.0
        now = time.monotonic()
        patience = self.options.patience_seconds
        if seconds > patience or now - self._answered_at > patience:
            self.stop(f"the gateway asks to wait {seconds:.0f} s: {reply.message}")
        self._not_before = max(self._not_before, now + seconds)
        self.progress.wait(seconds)

    async def _goes_on_after(self, reply: Refused, delays: Iterator[float]) -> bool:
        """False when the question has failed for good. Stops the run where no other question would fare better."""
        if reply.status in {401, 403}:
            self.stop(f"the gateway refuses the key: {reply.message}")
            return True
        if reply.status >= 500 or reply.status == 0:
            delay = next(delays, None)
            if delay is not None:
                await self._pause(delay)
                return True
            if not reply.connected:
                self.stop(f"the gateway does not answer: {reply.message}")
                return True
        return False


def _record(current: Pass, index: int, item: Item, reply: Answered, *, retries: int, lost: int) -> Done:
    receipt, grade = reply.receipt, grade_answer(item.question, reply.text)
    return Done(
        step=current.step,
        item=index,
        request_id=receipt.request_id,
        model=receipt.model,
        tier=receipt.tier,
        cost_nano=receipt.cost_nano,
        original_nano=receipt.original_nano,
        latency_ms=round(reply.latency_ms, 3),
        score=grade.score,
        is_own=grade.is_own,
        retries=retries,
        lost_nano=lost,
    )


def _describe(reply: Refused) -> str:
    return f"{reply.status or 'no answer'}: {reply.message[:200]}"
