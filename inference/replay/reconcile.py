"""Whether the receipts this run was handed and the gateway's ledger tell the same sum, to the nano-dollar."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from inference.gateway_client import GatewayClient, error_message, nano_from_usd
from inference.replay.state import Done

DRAIN_SECONDS = 30.0
POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`problem` says why the ledger could not be read; then its figures are None. `checked` counts stored receipts."""

    tag: str
    receipts: int
    receipts_nano: int
    ledger_requests: int | None = None
    ledger_nano: int | None = None
    checked: int = 0
    differing: tuple[str, ...] = ()
    problem: str = ""

    @property
    def holds(self) -> bool:
        return not self.problem and not self.differing and self.ledger_nano == self.receipts_nano


@dataclass(frozen=True, slots=True)
class _LedgerTotal:
    requests: int
    nano: int


async def reconcile(
    client: GatewayClient,
    *,
    tag: str,
    rows: Sequence[Done],
    charged_nano: int,
    sample: int,
    period: str,
    patience_seconds: float,
) -> Reconciliation:
    """Waits until the recorder has written what the run was charged, then compares; also `sample` single receipts."""
    answered = [row for row in rows if row.request_id]
    total = await _read_total_once_drained(
        client, tag=tag, period=period, requests=len(answered), nano=charged_nano, patience_seconds=patience_seconds
    )
    if isinstance(total, str):
        return Reconciliation(tag, len(answered), charged_nano, problem=total)
    chosen = random.Random(tag).sample(answered, min(sample, len(answered)))  # noqa: S311 - a sample, not a secret
    differing = [problem for row in chosen if (problem := await _check_receipt(client, row))]
    return Reconciliation(tag, len(answered), charged_nano, total.requests, total.nano, len(chosen), tuple(differing))


async def _read_total_once_drained(
    client: GatewayClient, *, tag: str, period: str, requests: int, nano: int, patience_seconds: float
) -> _LedgerTotal | str:
    """The ledger's total for the tag, as soon as it is what is expected, or what it is when patience ends."""
    give_up_at = time.monotonic() + patience_seconds
    while True:
        total = await _read_total(client, tag, period)
        if isinstance(total, _LedgerTotal) and total.requests >= requests and total.nano == nano:
            return total
        if isinstance(total, str) or time.monotonic() >= give_up_at:
            return total
        await asyncio.sleep(POLL_SECONDS)


async def _read_total(client: GatewayClient, tag: str, period: str) -> _LedgerTotal | str:
    status, body = await client.get_json("/analytics/cost-summary", {"tag": tag, "period": period})
    if status != 200 or not isinstance(body, dict):
        return f"cost-summary answered {status or 'nothing'}: {error_message(body)}"
    try:
        return _LedgerTotal(int(body["total_requests"]), nano_from_usd(body["total_cost_usd"]))
    except (KeyError, TypeError, ValueError) as error:
        return f"cost-summary is not as expected: {error}"


async def _check_receipt(client: GatewayClient, row: Done) -> str:
    """What is wrong with the stored receipt of an answer; empty when it says what the answer's headers said."""
    status, body = await client.get_json(f"/v1/receipts/{row.request_id}")
    if status != 200 or not isinstance(body, dict):
        return f"{row.request_id}: status {status or 'none'} {error_message(body)}".rstrip()
    try:
        stored = nano_from_usd(body["cost_usd"]), nano_from_usd(body["cost_original_usd"])
    except (KeyError, TypeError, ValueError) as error:
        return f"{row.request_id}: {error}"
    return "" if stored == (row.cost_nano, row.original_nano) else f"{row.request_id}: receipt says {stored} nano-USD"
