"""Forgetting what the caches keep: one call for every tier, by whose answers they are or what they are about.

A tier registers how it forgets, beside its own tables (`caching/apps.py` imports the module when Django is ready):

    register(WorkflowTier())

A purge forgets what requests brought that were made before it. Those still under way bring theirs later, so it is done
again (`governance.sweeps`). What requests bring that are made after it is never touched, however late that is.
To forget a whole organization's answers raises the epoch in its policy, which no lookup of the old ones survives, with
or without Redis; the sweeps only give the room back.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from governance import outbox
from governance.models import Policy
from governance.policies import change_policy
from governance.sweeps import finish_sweep, promise_sweeps

SWEEP = "caching.sweep"
"""The outbox topic of everything a purge leaves for later."""

_LONGEST_NAME = 300


class Kind(StrEnum):
    """What a purge goes by. `ENTRY` is one answer, by the name that receipts have it under."""

    KEY = "key"
    MODEL = "model"
    TAG = "tag"
    USER = "user"
    DOCUMENT = "document"
    ENTRY = "entry"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which answers go: those of requests made until `asked_by`, that fit `name`. `EVERYTHING` needs no name."""

    kind: Kind
    name: str
    asked_by: datetime


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a tier keeps of one organization. `size` is bytes, None where counting them would cost too much."""

    entries: int
    size: int | None


class TierAway(RuntimeError):  # noqa: N818 - it is the tier that is away
    """Where the tier keeps its answers cannot be reached. What was asked is done when it can."""


class Tier(Protocol):
    """One cache as purges, the cache page and housekeeping see it. All of it is synchronous; raises TierAway."""

    @property
    def name(self) -> str:
        """`t1`, `t2` or `t3`."""

    def purge(self, org_id: str, selection: Selection) -> int:
        """Forgets what fits, in bounded batches, and returns how many entries went. May be done again."""

    def holdings(self, org_id: str) -> Holdings:
        """What is kept now, and could be served."""

    def clear_expired(self) -> int:
        """Deletes what has run out, of every organization, in bounded batches. Returns how many entries went."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many entries went, by tier. None: the tier could not be reached, and is purged as soon as it can."""

    kind: Kind
    counts: Mapping[str, int | None]

    @property
    def complete(self) -> bool:
        return None not in self.counts.values()


@dataclass(frozen=True, slots=True)
class PurgeRefused:
    """Why nothing was purged; fit to be shown."""

    field: str
    reason: str


_tiers: dict[str, Tier] = {}


def register(tier: Tier) -> None:
    """Makes a tier part of every purge. A second one of the same name takes the first one's place."""
    _tiers[tier.name] = tier


def tiers() -> tuple[Tier, ...]:
    """In the order in which requests ask them."""
    return tuple(_tiers[name] for name in sorted(_tiers))


def purge(*, org_id: UUID | str, kind: Kind, name: str = "") -> Purged | PurgeRefused:
    """Forgets at once what fits in one organization's caches, and promises to do so again for late comers."""
    if (refused := _refusal(kind, name)) is not None:
        return refused
    selection = Selection(kind, name, timezone.now())
    if kind is not Kind.ENTRY:
        _promise(str(org_id), selection)
    purged = Purged(kind, purge_tiers(str(org_id), selection))
    if kind is Kind.ENTRY and not purged.complete:
        _promise(str(org_id), selection)  # it came already: there is nothing else to wait for
    return purged


def purge_tiers(org_id: str, selection: Selection) -> dict[str, int | None]:
    """Every tier, whichever of the others is away."""
    return {tier.name: _purge_one(tier, org_id, selection) for tier in tiers()}


def clear_expired() -> int:
    """Deletes what has run out from every tier, of all organizations. One that is away is cleared the next time."""
    cleared = 0
    for tier in tiers():
        with suppress(TierAway):
            cleared += tier.clear_expired()
    return cleared


def holdings(org_id: UUID | str) -> dict[str, Holdings | None]:
    """What each tier keeps of an organization; None for one that cannot be asked now."""
    return {tier.name: _holdings_of(tier, str(org_id)) for tier in tiers()}


@outbox.handler(SWEEP)
def sweep(payload: outbox.Payload) -> None:
    """A purge again. Fails, and is tried again later, while a tier is away."""
    selection = Selection(Kind(payload["kind"]), payload["name"], datetime.fromisoformat(payload["asked_by"]))
    away = [name for name, count in purge_tiers(payload["org_id"], selection).items() if count is None]
    if away:
        raise TierAway(", ".join(away))
    finish_sweep(payload)


def _refusal(kind: Kind, name: str) -> PurgeRefused | None:
    if kind is Kind.EVERYTHING:
        return PurgeRefused("name", "everything has no name") if name else None
    if not name.strip() or "\0" in name:
        return PurgeRefused("name", f"say which {kind.value}")
    if len(name) > _LONGEST_NAME:
        return PurgeRefused("name", f"a name has at most {_LONGEST_NAME} characters")
    return None


def _promise(org_id: str, selection: Selection) -> None:
    with transaction.atomic():
        if selection.kind is Kind.EVERYTHING:
            _raise_epoch(org_id)
        promise_sweeps(topic=SWEEP, payload=_payload(org_id, selection), since=selection.asked_by)


def _raise_epoch(org_id: UUID | str) -> None:
    """Two purges at once raise it twice, or once: either way it is another one afterwards."""
    policy = Policy.objects.select_for_update().for_org(org_id).first()
    change_policy(org_id=org_id, changes={"cache_epoch": (0 if policy is None else policy.cache_epoch) + 1})


def _payload(org_id: str, selection: Selection) -> dict[str, str]:
    return {
        "org_id": org_id,
        "kind": selection.kind.value,
        "name": selection.name,
        "asked_by": selection.asked_by.isoformat(),
    }


def _purge_one(tier: Tier, org_id: str, selection: Selection) -> int | None:
    try:
        return tier.purge(org_id, selection)
    except TierAway:
        return None


def _holdings_of(tier: Tier, org_id: str) -> Holdings | None:
    try:
        return tier.holdings(org_id)
    except TierAway:
        return None
