"""How often answers by meaning are wrong for one organization, as far as that is known, and how well it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q

from caching.calibration import DEFAULT_TARGET, Calibration, Realised
from caching.models import CacheFeedback, CalibrationState
from governance.models import Policy

ENOUGH = 30
"""Judged answers, below which a share of them would say next to nothing."""

_Z = 1.959964
"""For an interval that holds the truth nineteen times in twenty."""


@dataclass(frozen=True, slots=True)
class ErrorShare:
    """So many of the judged were wrong. `low` and `high` are the ends of Wilson's 95 % interval of that share."""

    wrong: int
    judged: int

    @property
    def enough(self) -> bool:
        return self.judged >= ENOUGH

    @property
    def share(self) -> float | None:
        return self.wrong / self.judged if self.judged else None

    @property
    def low(self) -> float:
        return max(0.0, self._middle - self._reach) if self.wrong else 0.0

    @property
    def high(self) -> float:
        return min(1.0, self._middle + self._reach) if self.judged else 1.0

    @property
    def _middle(self) -> float:
        if not self.judged:
            return 0.5
        return (self.wrong + _Z**2 / 2) / (self.judged + _Z**2)

    @property
    def _reach(self) -> float:
        if not self.judged:
            return 0.5
        share = self.wrong / self.judged
        spread = share * (1 - share) / self.judged + _Z**2 / (4 * self.judged**2)
        return _Z * math.sqrt(spread) / (1 + _Z**2 / self.judged)


@dataclass(frozen=True, slots=True)
class RealisedError:
    """`of_answers` is the share of wrong ones among answers that were served, or sure enough to be, and are known to be
    right or wrong: compared with a provider's answer to the same request, or judged by somebody. `answered` is the
    share of the requests looked up that such answers serve. What the target bounds is the product of both. It is
    `switched_on` for T2 and T3, and `enabled` when caches are at all."""

    target: float
    enabled: bool
    switched_on: bool
    of_answers: ErrorShare
    answered: float

    @property
    def share(self) -> float | None:
        """Of all requests looked up; None while too little is known."""
        found = self.of_answers.share
        return None if found is None or not self.of_answers.enough else found * self.answered

    @property
    def verdict(self) -> str:
        """Fit to be shown."""
        if self.share is None:
            return "not enough data"
        return "within target" if self.share <= self.target else "above target"

    @property
    def low(self) -> float:
        return self.of_answers.low * self.answered

    @property
    def high(self) -> float:
        return self.of_answers.high * self.answered


def realised_error(org_id: UUID | str) -> RealisedError:
    """As the calibration of every task has it, with the target in force."""
    policy = Policy.objects.for_org(org_id).first()
    wished = None if policy is None else policy.semantic_error_target
    target = DEFAULT_TARGET if wished is None else float(wished)
    found = [state.realised(target) for state in _states(org_id)]
    return RealisedError(
        target,
        enabled=policy is None or (policy.cache_enabled and policy.semantic_cache_enabled),
        switched_on=policy is None or policy.semantic_cache_enabled,
        of_answers=_error_share(found),
        answered=_share(sum(one.served for one in found), sum(one.requests for one in found)),
    )


def judged_by_people(org_id: UUID | str, since: datetime, until: datetime) -> dict[int, ErrorShare]:
    """What was said of answers, by tier, for feedback given in this time."""
    said = CacheFeedback.objects.for_org(org_id).filter(given_at__gte=since, given_at__lt=until)
    rows = said.values("tier").annotate(judged=Count("pk"), wrongs=Count("pk", filter=Q(wrong=True)))
    return {row["tier"]: ErrorShare(row["wrongs"], row["judged"]) for row in rows}


def _states(org_id: UUID | str) -> list[Calibration]:
    """Of every task, with the embedder that was asked last: what was learned with another says nothing of this one."""
    rows = CalibrationState.objects.for_org(org_id).order_by("task", "-changed_at").distinct("task")
    return [Calibration.from_json(bytes(row.state)) for row in rows]


def _error_share(found: list[Realised]) -> ErrorShare:
    """Older labels fade, so that counts may be broken."""
    wrong, right = sum(one.wrong for one in found), sum(one.right for one in found)
    return ErrorShare(round(wrong), round(wrong + right))


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole else 0.0
