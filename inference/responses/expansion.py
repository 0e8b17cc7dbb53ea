"""A request that refers to what is kept → the same request with all of it said.

Providers are asked to keep nothing and are given no ids: what goes up, is counted and is compared is the conversation
itself. An id of another organization is as unknown as one that never was.
"""

from __future__ import annotations

from typing import Any

from inference.domain import Refusal, RefusalKind
from inference.responses.store import ResponseStore, TooLong, Unfinished
from inference.wire.responses.checks import kind_of
from inference.wire.responses.request import items_of

Json = dict[str, Any]


async def expand(store: ResponseStore, org_id: str, body: Json) -> tuple[Json, list[Json]] | Refusal:
    """The checked request with its earlier turns, and what it adds to them itself."""
    earlier: list[Json] = []
    if (previous := body.get("previous_response_id")) is not None:
        thread = await store.thread(org_id, previous)
        if not isinstance(thread, list):
            return _not_continued(previous, thread)
        earlier = [item for turn in thread for item in turn.items]
    given = items_of(body)
    wanted = [item["id"] for item in given if kind_of(item) == "item_reference"]
    if wanted:
        resolved = await _resolved(store, org_id, given, earlier, wanted)
        if isinstance(resolved, Refusal):
            return resolved
        given = resolved
    return ({**body, "input": [*earlier, *given]} if earlier or wanted else body), given


async def _resolved(
    store: ResponseStore, org_id: str, given: list[Json], earlier: list[Json], wanted: list[str]
) -> list[Json] | Refusal:
    """The items with those they refer to in place of references. What an earlier turn said is not said again."""
    known = {item["id"] for item in earlier if item.get("id")}
    found = await store.items(org_id, [item_id for item_id in wanted if item_id not in known])
    items = []
    for index, item in enumerate(given):
        if kind_of(item) != "item_reference":
            items.append(item)
        elif item["id"] in found:
            items.append(found[item["id"]])
        elif item["id"] not in known:
            details = {"param": f"input[{index}].id"}
            return Refusal(RefusalKind.INVALID, f"Item with id '{item['id'][:100]}' not found.", details=details)
    return items


def _not_continued(previous: str, thread: Unfinished | TooLong | None) -> Refusal:
    details = {"param": "previous_response_id", "code": "previous_response_not_found"}
    if isinstance(thread, TooLong):
        message, details["code"] = "The conversation has become too long to continue.", "context_length_exceeded"
    elif thread is None:
        message = f"Previous response with id '{previous[:100]}' not found."
    else:
        message = f"Previous response with id '{previous[:100]}' is {thread.status}: it cannot be continued."
    return Refusal(RefusalKind.INVALID, message, details=details)
