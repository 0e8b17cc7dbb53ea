"""Whose turn a batch is: one worker advances it at a time, and says so again and again while it does.

A worker that dies leaves a claim that runs out, and another goes on. One that was only slow finds its claim gone, and
stops.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from governance.principals import Pool
from inference.models.batches import Batch

CLAIM_SECONDS = 30
RENEWED_EVERY_SECONDS = 8

_RENEW = """
UPDATE inference_batch SET claimed_until = now() + %s * interval '1 second' WHERE id = %s AND claim = %s RETURNING id
"""


def due() -> QuerySet[Batch]:
    """Those that are anybody's turn."""
    now = timezone.now()
    return Batch.objects.filter(Q(claimed_until=None) | Q(claimed_until__lt=now), due_at__lte=now)


def claim_next() -> Batch | None:
    """The batch that has waited longest for its turn, claimed for the caller."""
    now = timezone.now()
    with transaction.atomic():
        batch = due().order_by("due_at", "pk").select_for_update(skip_locked=True).first()
        if batch is None:
            return None
        batch.claim, batch.claimed_until = uuid4(), now + timedelta(seconds=CLAIM_SECONDS)
        batch.save(update_fields=["claim", "claimed_until"])
    return batch


async def renew(pool: Pool, batch_id: str, claim: UUID) -> bool:
    """False when the claim is gone. Raises psycopg.Error."""
    async with pool.connection() as connection:
        cursor = await connection.execute(_RENEW, (CLAIM_SECONDS, batch_id, claim))
        return await cursor.fetchone() is not None


def let_go(batch: Batch, *, again_in: float | None) -> None:
    """It is anybody's turn again, so many seconds from now; never, when nothing is left to do."""
    ours = Batch.objects.filter(pk=batch.pk, claim=batch.claim)
    if again_in is not None and ours.exclude(status=batch.status).exists():
        again_in = 0  # somebody cancelled it meanwhile
    due_at = None if again_in is None else timezone.now() + timedelta(seconds=again_in)
    ours.update(claim=None, claimed_until=None, due_at=due_at, setbacks=0)


def let_go_after_setback(batch: Batch, error: str) -> None:
    """It went wrong: again later, and later each time."""
    wait = min(5 * 2 ** min(batch.setbacks, 8), 600)
    Batch.objects.filter(pk=batch.pk, claim=batch.claim).update(
        claim=None,
        claimed_until=None,
        due_at=timezone.now() + timedelta(seconds=wait),
        setbacks=F("setbacks") + 1,
        last_error=error[:300].replace("\x00", ""),
    )
