"""Kept documents, sealed again with the current encryption key. Steps that cannot be read are worked out anew."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from caching.workflow.documents import place_of
from caching.workflow.models import WorkflowDocument
from caching.workflow.sealing import SEALED, TextSeal
from governance.encryption import keyring
from governance.rewrapping import Rewrapped, rewraps


@rewraps("kept documents")
def rewrap(batch: int) -> Iterable[Rewrapped]:
    ring, after = keyring(), UUID(int=0)
    while True:
        rows = list(WorkflowDocument.objects.filter(pk__gt=after).order_by("pk")[:batch])  # all tenants'
        if not rows:
            return
        after = rows[-1].pk
        yield Rewrapped.of(
            _rewrap_one(row)
            for row in rows
            if bytes(row.sealed)[:1] == SEALED and not ring.is_current(bytes(row.sealed)[1:])
        )


def _rewrap_one(row: WorkflowDocument) -> bool:
    """False when it cannot be read. One that has changed meanwhile was sealed with the current key."""
    before, org_id, place, seal = bytes(row.sealed), str(row.org_id), place_of(row.name), TextSeal(keyring())
    text = seal.open(before, org_id, place)
    if text is None:
        return False
    again = seal.seal(text, org_id, place)
    WorkflowDocument.objects.for_org(row.org_id).filter(pk=row.pk, sealed=before).update(sealed=again)
    return True
