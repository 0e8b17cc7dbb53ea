"""Kept responses, sealed again with the current encryption key. See `governance.rewrapping`."""

from __future__ import annotations

from collections.abc import Iterable

from governance.encryption import SecretUnreadable, keyring
from governance.rewrapping import Rewrapped, rewraps
from inference.models import StoredResponse
from inference.responses.sealing import place_of, place_of_job


@rewraps("kept responses")
def rewrap(batch: int) -> Iterable[Rewrapped]:
    ring, after = keyring(), ""
    while True:
        rows = list(StoredResponse.objects.filter(pk__gt=after).order_by("pk")[:batch])  # all tenants'
        if not rows:
            return
        after = rows[-1].pk
        yield Rewrapped.of(_rewrap_one(row) for row in rows if not ring.is_current(bytes(row.sealed)))


def _rewrap_one(row: StoredResponse) -> bool:
    """False when it cannot be read. One that has changed meanwhile was sealed with the current key."""
    before = bytes(row.sealed)
    try:
        sealed = _again(before, row, place_of(row.pk))
        job = None if row.job is None else _again(bytes(row.job), row, place_of_job(row.pk))
    except SecretUnreadable:
        return False
    StoredResponse.objects.for_org(row.org_id).filter(pk=row.pk, sealed=before).update(sealed=sealed, job=job)
    return True


def _again(sealed: bytes, row: StoredResponse, place: str) -> bytes:
    ring = keyring()
    return ring.seal_bytes(ring.open_bytes(sealed, org_id=row.org_id, place=place), org_id=row.org_id, place=place)
