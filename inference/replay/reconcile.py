"""Whether the receipts this run was handed and the gateway's ledger tell the same sum, to the nano-dollar.

A run that was killed has calls whose answers never came back: the gateway rightly charged them, and no receipt was
handed out. They are the latest calls of that part of the run, and are found by its tag.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inference.gateway_client import GatewayClient, error_message, nano_from_usd
from inference.replay.state import Done

DRAIN_SECONDS = 30.0
POLL_SECONDS = 0.5
LATEST_CALLS = 200
"""How many of a part's latest calls are looked through; the most that the gateway lists."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`problem` says why the ledger could not be read; then its figures are None. `checked` counts stored receipts.

    `lost` are charged calls whose answers never came back; their sum is part of what the ledger must say.
    """

    tag: str
    receipts: int
    receipts_nano: int
    ledger_requests: int | None = None
    ledger_nano: int | None = None
    lost: int = 0
    lost_nano: int = 0
    checked: int = 0
    differing: tuple[str, ...] = ()
    problem: str = ""

    @property
    def holds(self) -> bool:
        return not self.problem and not self.differing and self.ledger_nano == self.receipts_nano + self.lost_nano


@dataclass(frozen=True, slots=True)
class Claim:
    """What a run says it was charged. `tags` are the run's own and those of its parts; `charged_nano` sums receipts."""

    tags: Sequence[str]
    rows: Sequence[Done]
    charged_nano: int


@dataclass(frozen=True, slots=True)
class _Found:
    """What the ledger says, and what of it the run never got an answer for."""

    requests: int
    nano: int
    lost: Sequence[int] = ()


class _UnreadableError(Exception):
    """A page of the gateway that did not say what was asked; says which and why."""


async def reconcile(
    client: GatewayClient, claim: Claim, *, sample: int, period: str, patience_seconds: float
) -> Reconciliation:
    """Waits until the recorder has written what the run was charged, then compares; also `sample` single receipts."""
    answered = {row.request_id: row for row in claim.rows if row.request_id}
    tag, *_ = claim.tags
    try:
        found = await _look_once_drained(client, claim, answered, period, patience_seconds)
        chosen = random.Random(tag).sample(sorted(answered), min(sample, len(answered)))  # noqa: S311 - no secret
        differing = [problem for key in chosen if (problem := await _check_receipt(client, answered[key]))]
    except _UnreadableError as error:
        return Reconciliation(tag, len(answered), claim.charged_nano, problem=str(error))
    return Reconciliation(
        tag=tag,
        receipts=len(answered),
        receipts_nano=claim.charged_nano,
        ledger_requests=found.requests,
        ledger_nano=found.nano,
        lost=len(found.lost),
        lost_nano=sum(found.lost),
        checked=len(chosen),
        differing=tuple(differing),
    )


async def _look_once_drained(
    client: GatewayClient, claim: Claim, answered: dict[str, Done], period: str, patience_seconds: float
) -> _Found:
    """What the ledger says as soon as it is what the run expects, or what it says when patience ends."""
    give_up_at = time.monotonic() + patience_seconds
    while True:
        found = await _look(client, claim, answered, period)
        if found.requests >= len(answered) and found.nano == claim.charged_nano + sum(found.lost):
            return found
        if time.monotonic() >= give_up_at:
            return found
        await asyncio.sleep(POLL_SECONDS)


async def _look(client: GatewayClient, claim: Claim, answered: dict[str, Done], period: str) -> _Found:
    run, *parts = claim.tags
    body = await _read(client, "/analytics/cost-summary", tag=run, period=period)
    try:
        requests, nano = int(body["total_requests"]), nano_from_usd(body["total_cost_exact"])
    except (KeyError, TypeError, ValueError) as error:
        raise _UnreadableError(f"/analytics/cost-summary is not as expected: {error!r}") from error
    if requests < len(answered) or nano <= claim.charged_nano:
        return _Found(requests, nano)
    costs = [cost for part in parts for cost in await _find_lost(client, part, answered)]
    return _Found(requests, nano, costs)


async def _find_lost(client: GatewayClient, part: str, answered: dict[str, Done]) -> list[int]:
    """What was charged for each of the part's latest calls that the run holds no receipt of."""
    latest = await _read(client, "/analytics/recent-inferences", tag=part, limit=str(LATEST_CALLS))
    try:
        unknown = [str(call["request_id"]) for call in latest if call["request_id"] not in answered]
    except (KeyError, TypeError) as error:
        raise _UnreadableError(f"/analytics/recent-inferences is not as expected: {error!r}") from error
    costs = [_amounts(await _read(client, f"/v1/receipts/{request_id}"))[0] for request_id in unknown]
    return [cost for cost in costs if cost]


async def _check_receipt(client: GatewayClient, row: Done) -> str:
    """What is wrong with the stored receipt of an answer; empty when it says what the answer's headers said."""
    try:
        stored = _amounts(await _read(client, f"/v1/receipts/{row.request_id}"))
    except _UnreadableError as error:
        return str(error)
    return "" if stored == (row.cost_nano, row.original_nano) else f"{row.request_id}: receipt says {stored} nano-USD"


def _amounts(receipt: Any) -> tuple[int, int]:
    """Cost and original cost of a stored receipt."""
    try:
        return nano_from_usd(receipt["cost_exact"]), nano_from_usd(receipt["cost_original_exact"])
    except (KeyError, TypeError, ValueError) as error:
        raise _UnreadableError(f"a receipt is not as expected: {error!r} in {str(receipt)[:120]}") from error


async def _read(client: GatewayClient, path: str, **params: str) -> Any:
    status, body = await client.get_json(path, params)
    if status != 200:
        raise _UnreadableError(f"{path} answered {status or 'nothing'}: {error_message(body)}")
    return body
