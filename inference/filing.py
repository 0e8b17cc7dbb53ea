"""What an answer is filed under in the caches, for whoever purges them."""

from __future__ import annotations

from caching.domain import Filing
from inference.domain import Order


def filing_of(order: Order) -> Filing:
    """Whose request it was, and what about."""
    controls = order.call.controls
    return Filing(
        order.principal.key_id, controls.tags, controls.end_user, controls.document, document_id=controls.document_id
    )
