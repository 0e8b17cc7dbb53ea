"""The native routes: `POST /infer` and `GET /models`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from caching.workflow.documents import Document
from governance.auth import HotKeyAuth
from governance.domain import Principal, Scope
from inference import gateway
from inference.api import schemas
from inference.api.compatible import arrival_of, principal_of
from inference.api.controls import (
    AUTOMATIC_MODELS,
    InvalidControl,
    mode_for,
    preference_of,
    read_name,
    read_tags,
    read_usd,
)
from inference.api.intake import Arrival, make_call, read_json
from inference.api.native_answer import NativeStream, answer_fields
from inference.api.native_document import document_of, introduced, with_document, workflow_of
from inference.api.native_schema import InferRequest
from inference.api.once import answer_once
from inference.api.render import JSON, Refused, WireResponse, render, report_headers, stream_response
from inference.domain import (
    Answer,
    CacheMode,
    Call,
    Controls,
    LatencyPreference,
    Model,
    QualityPreference,
    Refusal,
    RefusalKind,
    Reply,
    RoutingMode,
    StreamedAnswer,
    Wire,
)
from inference.wire.checks import shape_problem
from inference.wire.format import format_of

router = Router(auth=HotKeyAuth(Scope.INFER), tags=["Asahi"])

_encode = msgspec.json.Encoder().encode


@router.post("/infer", summary="Answer a prompt at the lowest cost that is good enough", **schemas.INFER)
async def infer(request: HttpRequest) -> HttpResponseBase:
    here, principal, arrival = gateway.current(), principal_of(request), arrival_of(request)

    async def answer() -> WireResponse:
        call = await read_native_call(arrival, here, principal)
        if isinstance(call, Refusal):
            raise Refused(call)
        return _rendered(await here.pipeline.answer(principal, call), call)

    return await answer_once(here.claims, principal.org_id, arrival, request.path_info, answer)


def _rendered(reply: Reply, call: Call) -> WireResponse:
    if isinstance(reply, Answer):
        text = format_of(call.wire).answer_text(reply.body)
        return WireResponse(200, [*report_headers(reply.report), JSON], _encode(answer_fields(text, reply.report)))
    if isinstance(reply, StreamedAnswer):
        return stream_response(NativeStream(reply), report_headers(reply.report))
    return render(reply)


@router.get("/models", summary="Registered models with price, quality, latency and capabilities", **schemas.MODELS)
async def models(request: HttpRequest) -> HttpResponseBase:
    principal, here = principal_of(request), gateway.current()
    reach = here.targets.reach(principal.accounts)
    listed = [_model_fields(here, model, reach) for model in here.registry.models if principal.policy.allows(model.id)]
    return WireResponse(200, [JSON], _encode({"models": listed, "price_version": here.prices.version}))


async def read_native_call(arrival: Arrival, here: gateway.Gateway, principal: Principal) -> Call | Refusal:
    """A native call, turned into the chat wire, with the document that it came with or names."""
    asked = _read(arrival.raw)
    if isinstance(asked, Refusal):
        return asked
    model = None if asked.model_override in (None, *AUTOMATIC_MODELS) else asked.model_override
    try:
        controls = _controls_of(asked, model, here.default_mode)
        document = await document_of(here, principal, asked, controls)
    except InvalidControl as error:
        return Refusal(RefusalKind.UNPROCESSABLE, str(error), details={"param": error.name})
    if isinstance(document, Refusal):
        return document
    body = _chat_body(asked, document)
    problem = format_of(Wire.CHAT).check(body)
    if problem is not None:
        return Refusal(RefusalKind.UNPROCESSABLE, problem.message, details={"param": problem.param})
    call = make_call(arrival, body, wire=Wire.CHAT, model=model, controls=controls, org_id=principal.org_id)
    return with_document(here, call, document)


def _read(raw: bytes) -> InferRequest | Refusal:
    body = read_json(raw)
    if isinstance(body, Refusal):
        return body
    problem = shape_problem(body, InferRequest)
    if problem is not None:
        return Refusal(RefusalKind.UNPROCESSABLE, problem.message, details={"param": problem.param})
    asked = msgspec.convert(body, InferRequest)
    if (asked.prompt is None) == (asked.messages is None):
        return Refusal(RefusalKind.UNPROCESSABLE, "give exactly one of 'prompt' and 'messages'")
    return asked


def _controls_of(asked: InferRequest, model: str | None, default_mode: RoutingMode) -> Controls:
    if asked.organization_id is not None:
        raise InvalidControl("organization_id", "needs enrichment, which is not configured")
    mode = preference_of("routing_mode", asked.routing_mode, RoutingMode)
    quality = preference_of("quality_preference", asked.quality_preference, QualityPreference)
    latency = preference_of("latency_preference", asked.latency_preference, LatencyPreference)
    cache = preference_of("cache", asked.cache, CacheMode)
    if mode is None and model is None and (quality is not None or latency is not None):
        mode = RoutingMode.GUIDED
    task_tag = () if asked.task_id is None else (f"task_id:{read_name('task_id', asked.task_id)}"[:100],)
    return Controls(
        routing_mode=mode_for("routing_mode", mode, model, default_mode),
        cache=cache or CacheMode.ON,
        quality_bar=asked.quality_threshold,
        quality_preference=quality,
        latency_preference=latency,
        latency_budget_ms=asked.latency_budget_ms,
        max_cost_nano=read_usd(
            "cost_budget", None if asked.cost_budget is None else str(Decimal(repr(asked.cost_budget)))
        ),
        end_user=read_name("user_id", asked.user_id or ""),
        tags=(*read_tags("tags", ",".join(asked.tags or ())), *task_tag),
        document_id=read_name("document_id", asked.document_id or ""),
        workflow=workflow_of(asked.workflow),
    )


def _chat_body(asked: InferRequest, document: Document | None) -> dict[str, Any]:
    messages = list(asked.messages or ())
    if asked.prompt is not None:
        messages = [{"role": "user", "content": asked.prompt}]
    if document is not None:
        messages.insert(0, introduced(document))
    body: dict[str, Any] = {"messages": messages, "stream": asked.stream}
    if asked.max_tokens is not None:
        body["max_completion_tokens"] = asked.max_tokens
    return body


def _model_fields(here: gateway.Gateway, model: Model, reach: frozenset[str]) -> dict[str, Any]:
    rates = here.prices.rates(model)
    return {
        "id": model.id,
        "provider": model.provider,
        "available": model.provider in reach,
        "price_usd_per_million_tokens": {
            "input": float(rates.input),
            "cached_input": float(rates.cached_input),
            "cache_write": float(rates.cache_write),
            "output": float(rates.output),
        },
        "quality": dict(model.quality),
        "latency_ms": model.latency_ms,
        "context_tokens": model.context_tokens,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": sorted(model.capabilities),
    }
