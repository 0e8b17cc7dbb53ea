"""Feedback about one request: its receipt says what was served, `caching.feedback` what follows."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from analytics import ids
from analytics.receipts import InProgress, find_receipt
from caching.feedback import Feedback, Served, give_feedback


@dataclass(frozen=True, slots=True)
class NotJudged:
    """Why there is nothing to judge; fit to be shown."""

    reason: str


def judge(*, org_id: UUID | str, request_id: str, wrong: bool, comment: str = "") -> Feedback | NotJudged | None:
    """None for a request that this organization did not make, or that is not recorded yet."""
    receipt = find_receipt(org_id, request_id)
    if receipt is None:
        return None
    if isinstance(receipt, InProgress) or not receipt.charge.tier:
        return NotJudged("this request was not answered from a cache")
    charge = receipt.charge
    served = Served.of_receipt(ids.to_uuid(request_id), charge.tier, charge.end_user, receipt.latest.receipt)
    return give_feedback(org_id=org_id, served=served, wrong=wrong, comment=comment)
