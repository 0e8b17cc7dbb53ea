"""Accepting a response that is made in the background, and cancelling one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from governance.domain import Principal
from inference.api.intake import Arrival
from inference.domain import Call, Refusal, RefusalKind
from inference.pipeline import Pipeline
from inference.responses.following import UNFINISHED
from inference.responses.jobs import Job, seal_job
from inference.responses.presentation import Presentation
from inference.responses.sealing import Json, Turn
from inference.responses.store import Kept, ResponseStore
from inference.wire.translate.responses_answer import head_of

_encode = msgspec.json.Encoder().encode

_STEERING = ("HTTP_X_ASAHI_", "HTTP_ANTHROPIC_BETA", "HTTP_CACHE_CONTROL")

Wake = Callable[[], None]


async def accept(
    store: ResponseStore, pipeline: Pipeline, *, principal: Principal, arrival: Arrival, call: Call,
    presentation: Presentation, wake: Wake,
) -> Kept | Refusal:  # fmt: skip
    """The response as it waits to be made; or why it never could be. Raises psycopg.Error when it cannot be kept."""
    if not store.enabled:
        message = "'background' is not accepted: this deployment keeps no responses."
        return Refusal(RefusalKind.INVALID, message, details={"param": "background"})
    refusal = pipeline.refusal_of(principal, call)
    if refusal is not None:
        return refusal
    body = presentation.shown(
        head_of(presentation.request, created=presentation.created_at, model=call.model or "asahi")
    )
    turn = Turn(presentation.given, {**body, "status": "queued"})
    sent = {name: value for name, value in call.body.items() if name not in ("stream", "stream_options")}
    steering = {name: value for name, value in arrival.headers.items() if name.startswith(_STEERING)}
    job = Job(call.request_id, _encode(sent).decode(), steering)
    sealed = await asyncio.to_thread(seal_job, job, org_id=principal.org_id, response_id=presentation.id)
    end_user = presentation.end_user
    await store.insert(principal.org_id, turn, end_user=end_user, job=sealed, key_id=principal.key_id)
    await asyncio.to_thread(wake)
    return Kept(turn, background=True, status="queued")


async def cancel(store: ResponseStore, org_id: str, kept: Kept) -> Json | None:
    """The response after it was cancelled, or as it had ended before; None when it was not in the background."""
    if not kept.background:
        return None
    body: dict[str, Any] = kept.turn.body
    if kept.status not in UNFINISHED:
        return body
    cancelled = {**body, "status": "cancelled"}
    if await store.jobs.finish(org_id, replace(kept.turn, body=cancelled), claim=None):
        return cancelled
    now = await store.find(org_id, body["id"])
    return cancelled if now is None else now.turn.body
