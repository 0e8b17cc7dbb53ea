"""The scope of a question: everything else that its answer depends on, and that must be equal to the letter."""

from __future__ import annotations

import hashlib

from inference.domain import Order
from inference.wire.format import format_of
from inference.wire.questions import Question


def scope_of(order: Order, question: Question, embedder_version: str) -> bytes:
    """A digest of the organization, the model or routing intent, the instructions, the earlier turns, the tools, the
    format and every parameter; and of the embedder, whose vectors are comparable only with each other."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (order.principal.org_id, order.call.wire.value, order.intent, embedder_version):
        digest.update(part.encode() + b"\0")
    digest.update(format_of(order.call.wire).canonical(question.rest))
    return digest.digest()
