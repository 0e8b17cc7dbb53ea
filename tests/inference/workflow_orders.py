"""Orders about documents, for the tests of T3."""

from __future__ import annotations

from typing import Any

from governance.domain import Principal, Scope
from inference.domain import CacheMode, Call, Controls, Model, Order, RoutingMode, Wire
from inference.pricing import PriceBook
from tests.inference.routing_calls import policy
from tests.inference.test_price_book import MODELS, SHIPPED

BOOK = PriceBook.load(SHIPPED)
SONNET, HAIKU, LUNA, MINI = (
    MODELS[name] for name in ("claude-sonnet-5-5", "claude-haiku-5-5", "gpt-6-luna", "gpt-5-mini")
)
DOCUMENT = "".join(f"{n}. The committee heard report number {n} and took note of it.\n" for n in range(200))
ORG = "11111111-1111-1111-1111-111111111111"


def principal(org_id: str = ORG) -> Principal:
    limits = policy(semantic_cache_enabled=True, cache_epoch=0)
    return Principal(org_id=org_id, key_id="key-1", scopes=frozenset({Scope.ALL}), policy=limits, expires_at=None)


def order(
    messages: list[dict[str, Any]], *, wire: Wire = Wire.MESSAGES, org_id: str = ORG, document_id: str = "",
    candidates: tuple[Model, ...] = (SONNET,), intent: str = "model=x", cache: CacheMode = CacheMode.ON, **body: Any,
) -> Order:  # fmt: skip
    controls = Controls(RoutingMode.EXPLICIT, cache, document_id=document_id)
    asked = {"messages": messages, **body}
    size = len(repr(asked))
    call = Call("req_1", wire, asked, None, False, False, 100, size, controls, 0.0)
    return Order(principal(org_id), call, candidates, candidates[0], 10**9, size + 100, "key", "", intent=intent)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def about(document: str, question: str) -> list[dict[str, Any]]:
    """Both in one message."""
    return [user(f"{document}\n\nQuestion: {question}")]
