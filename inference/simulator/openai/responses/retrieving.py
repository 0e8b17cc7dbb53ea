"""Responses that were kept: GET and DELETE /v1/responses/{id}, its input items, and the cancelling of one."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from inference.simulator.openai.errors import INVALID, invalid, unknown_url
from inference.simulator.openai.paging import page_of
from inference.simulator.openai.responses.stored import StoredResponse
from inference.simulator.refusals import Refusal
from inference.simulator.world import World

_MOST_ITEMS = 100


def handle(world: World, *, provider: str, method: str, tail: str, query: str) -> bytes | Refusal:
    """`tail` is the path behind `/v1/responses/`."""
    response_id, _, action = tail.partition("/")
    if (method, action) not in (("GET", ""), ("DELETE", ""), ("POST", "cancel"), ("GET", "input_items")):
        return unknown_url(method, f"/v1/responses/{tail}")
    stored = world.responses.get(provider, response_id)
    if stored is None:
        return Refusal(404, INVALID, f"Response with id '{response_id}' not found.")
    if action:
        return _cancel(stored) if action == "cancel" else page_of(stored.input_items, query, usual=20, most=_MOST_ITEMS)
    return _delete(world, provider, stored) if method == "DELETE" else _get(stored, parse_qs(query))


def _get(stored: StoredResponse, asked: dict[str, list[str]]) -> bytes | Refusal:
    if asked.get("stream") == ["true"]:
        return invalid("This response was not created to be streamed later.", param="stream")
    return msgspec.json.encode(stored.body)


def _delete(world: World, provider: str, stored: StoredResponse) -> bytes:
    if stored.work is not None:
        stored.work.cancel()
    world.responses.remove(provider, stored.body["id"])
    return msgspec.json.encode({"id": stored.body["id"], "object": "response", "deleted": True})


def _cancel(stored: StoredResponse) -> bytes | Refusal:
    """Only a response in the background can be cancelled; one that is done stays as it is."""
    if stored.work is None:
        return invalid("Cannot cancel a synchronous response.")
    if stored.body["status"] in ("queued", "in_progress"):
        stored.work.cancel()
        stored.body = {**stored.body, "status": "cancelled"}
    return msgspec.json.encode(stored.body)
