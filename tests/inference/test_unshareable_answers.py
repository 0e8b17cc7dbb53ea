"""Joined calls whose leader's answer cannot be given to others go on by themselves, all at the same time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from inference.domain import Answer, Call, Order, Plan, Refusal, Tier
from inference.flights import Executed, Execution, Flights
from inference.pipeline import Pipeline
from inference.stages import Admitted, Stages

CALLERS = 6


class _Counting:
    """Calls that end when they are told to, with an answer that only its own caller may have."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.end = asyncio.Event()

    def launch(self, order: Order, plan: Plan) -> Execution:
        execution = Execution()
        execution.launch(self._run(execution))
        return execution

    async def _run(self, execution: Execution) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.end.wait()
        execution.call_ended()
        self.running -= 1
        execution.finish(Executed(report=cast("Any", "report"), body=b"{}", entry=None))


class _Open:
    async def admit(self, order: Order, *, pays: bool, counts: bool) -> Admitted:
        return Admitted()

    def release(self, order: Order) -> None:
        """Nothing was reserved."""


def _order(*_: Any) -> Order:
    return cast("Order", SimpleNamespace(t1_key="same", call=SimpleNamespace(stream=False, include_usage=False)))


async def _never_hit(order: Order, cached: Any, tier: Tier, reason: str) -> Any:
    raise AssertionError("nothing is cached")


async def test_they_do_not_wait_for_each_other() -> None:
    execute = _Counting()
    stages = Stages(
        quote=_order, governance=_Open(), batching=None, t2=None, t3=None, optimize=None, enrich=None,
        route=lambda order: cast("Plan | Refusal", "plan"), execute=execute, record_hit=_never_hit,
    )  # fmt: skip
    pipeline = Pipeline(stages, Flights())
    callers = [asyncio.create_task(pipeline.answer(cast("Any", None), cast("Call", None))) for _ in range(CALLERS)]
    await asyncio.sleep(0.01)
    assert execute.most == 1, "they share one call as long as nobody knows better"
    execute.end.set()
    execute.end = asyncio.Event()
    await asyncio.sleep(0.01)
    assert execute.most == CALLERS - 1
    execute.end.set()
    assert all(isinstance(reply, Answer) for reply in await asyncio.gather(*callers))
