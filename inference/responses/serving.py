"""Answering a request for a response: expanded, sent through the pipeline, presented, and kept."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from governance.domain import Principal
from inference.api.intake import Arrival, checked, read_json, steered_call
from inference.domain import Answer, Call, Refusal, Reply, RoutingMode, StreamedAnswer, Wire
from inference.pipeline import Pipeline
from inference.responses.expansion import expand
from inference.responses.presentation import Presentation, PresentedStream
from inference.responses.store import ResponseStore

_encode = msgspec.json.Encoder().encode


async def read(
    store: ResponseStore, arrival: Arrival, default_mode: RoutingMode, principal: Principal
) -> tuple[Call, Presentation] | Refusal:
    """A request as the call it is, with all that it refers to, and how its answer is to be presented."""
    body = read_json(arrival.raw)
    if isinstance(body, Refusal):
        return body
    if (problem := checked(body, Wire.RESPONSES, own_account=bool(principal.accounts))) is not None:
        return problem
    org_id = principal.org_id
    expanded = await expand(store, org_id, body)
    if isinstance(expanded, Refusal):
        return expanded
    whole, given = expanded
    if whole is not body:
        arrival = replace(arrival, raw=_encode(whole))  # what it may cost is bounded by all that goes up
    call = steered_call(arrival, whole, Wire.RESPONSES, default_mode, org_id)
    if isinstance(call, Refusal):
        return call
    return call, Presentation(org_id, body, given, store, end_user=call.controls.end_user)


async def answer(pipeline: Pipeline, principal: Principal, call: Call, presentation: Presentation) -> Reply:
    """The reply under our own id."""
    reply = await pipeline.answer(principal, call)
    if isinstance(reply, Answer):
        return replace(reply, body=await presentation.whole(reply.body))
    if isinstance(reply, StreamedAnswer):
        return replace(reply, stream=PresentedStream(reply.stream, presentation))
    return reply
