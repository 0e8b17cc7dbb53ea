"""Batches of requests, for every provider: how long one takes, how it ends, and how its lines are worked off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from inference.simulator.faults import Trouble
from inference.simulator.ledger import Entry, Outcome
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Dialect, Metered, Prepared, Reply

if TYPE_CHECKING:
    from inference.simulator.world import World  # which holds the plan below

SERVICE = "batch"
_LINES_PER_TURN = 16
Line = TypeVar("Line")


class Ending(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"


class BatchPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`seconds` pass before a batch is done; half way its first `after_lines` are, which is all of one that ends badly.

    Work in the background takes as long.
    """

    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.5
    ending: Ending = Ending.COMPLETED
    after_lines: Annotated[int, msgspec.Meta(ge=0)] = 0


def run_line(
    world: World, prepared: Prepared | Refusal, *, dialect: Dialect, path: str, batch: str, custom_id: str
) -> Reply | Refusal:
    """One line's answer, entered in the ledger. Whatever trouble a fault plan has for it, a line only fails."""
    if isinstance(prepared, Refusal):
        return prepared
    rule = world.faults.next_for(prepared.model, path).rule
    outcome: Reply | Refusal
    if rule.kind is Trouble.NONE:
        outcome = prepared.perform()
        if isinstance(outcome, Refusal):
            return outcome
        metered = replace(outcome.metered, service=SERVICE)
    else:
        outcome = dialect.outage(rule.status or 500)
        metered = Metered(0, service=SERVICE)
    entry = Entry(
        call_id=outcome.call_id if isinstance(outcome, Reply) else world.new_id("req_"),
        provider=prepared.provider,
        model=prepared.model,
        path=path,
        stream=False,
        told=metered,
        worked=metered,
        outcome=Outcome.OK if rule.kind is Trouble.NONE else Outcome.INJECTED_ERROR,
        fault=rule.kind,
        metadata=custom_id,
        batch=batch,
    )
    world.ledger.record(entry)
    return outcome


async def unhurried(lines: Iterable[Line], *, most: int | None = None) -> AsyncIterator[Line]:
    """The next lines, with a breath for everybody else now and then."""
    for number, line in enumerate(islice(lines, most)):
        if number % _LINES_PER_TURN == 0:
            await asyncio.sleep(0)
        yield line
