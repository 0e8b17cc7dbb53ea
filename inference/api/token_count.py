"""`/v1/messages/count_tokens`: how long a prompt is for a model, asked of its provider, who counts for nothing.

A model whose provider has no such endpoint gets our own count, and the answer says in a header that it is an estimate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from governance.auth import HotKeyAuth
from governance.domain import PolicySnapshot, Scope
from inference import gateway
from inference.api import schemas
from inference.api.compatible import arrival_of, principal_of
from inference.api.controls import AUTOMATIC_MODELS
from inference.api.intake import read_json
from inference.api.render import JSON, RawHeaders, Refused, WireResponse
from inference.calling import own_key_refused, refusal_of
from inference.domain import Model, Refusal, RefusalKind, Wire
from inference.estimate import count_request
from inference.providers.upstream import Failure
from inference.wire.decoding import INVALID
from inference.wire.format import format_of
from inference.wire.translate import Untranslatable, Way

router = Router(auth=HotKeyAuth(Scope.INFER), tags=["Anthropic-compatible"])

_encode = msgspec.json.Encoder().encode
_ESTIMATED = (b"x-asahi-token-count", b"estimated")


class _Counted(msgspec.Struct):
    input_tokens: int


_decode = msgspec.json.Decoder(_Counted).decode


@router.post("/v1/messages/count_tokens", summary="Count the tokens of a message", **schemas.COUNT_TOKENS)
async def count_tokens(request: HttpRequest) -> HttpResponseBase:
    body = read_json(arrival_of(request).raw)
    if isinstance(body, Refusal):
        raise Refused(body)
    problem = format_of(Wire.MESSAGES).check({"max_tokens": 1, **body})
    if problem is not None:
        raise Refused(Refusal(RefusalKind.INVALID, problem.message, details={"param": problem.param}))
    model = _model_of(body.get("model"), principal_of(request).policy)
    if isinstance(model, Refusal):
        raise Refused(model)
    if model is not None and model.wire is Wire.EMBEDDINGS:
        message = f"{model.id} makes embeddings; it takes no messages."
        raise Refused(Refusal(RefusalKind.INVALID, message, details={"param": "model"}))
    if model is not None and model.speaks(Wire.MESSAGES):
        return await _ask_provider(request, model, body)
    return _answer(await _estimate(model, body), [_ESTIMATED])


async def _estimate(model: Model | None, body: dict[str, Any]) -> int:
    """Counted as it would be sent, if it can be."""
    if model is not None:
        said = Way(Wire.MESSAGES, model.wire).ask({"max_tokens": 1, **body}, model)
        if not isinstance(said, Untranslatable):
            return await count_request(said, model.wire)
    return await count_request(body, Wire.MESSAGES)


def _model_of(name: object, policy: PolicySnapshot) -> Model | Refusal | None:
    """The model named; None when the choice is left to us."""
    if name is None or name in AUTOMATIC_MODELS:
        return None
    model = gateway.current().registry.find(str(name))
    if model is None:
        return Refusal(RefusalKind.UNKNOWN_MODEL, f"The model '{str(name)[:100]}' does not exist.")
    if not policy.allows(model.id):
        return Refusal(RefusalKind.FORBIDDEN, f"The organization's policy does not allow {model.id}.")
    return model


async def _ask_provider(request: HttpRequest, model: Model, body: dict[str, object]) -> WireResponse:
    here = gateway.current()
    target = here.targets.for_model(model, Wire.MESSAGES, principal_of(request).accounts)
    if target is None:
        raise Refused(Refusal(RefusalKind.NO_MODEL, f"{model.id} cannot be called now: its provider is not available."))
    beta = arrival_of(request).headers.get("HTTP_ANTHROPIC_BETA")
    headers = () if beta is None else (("anthropic-beta", beta),)
    asked = _encode({**body, "model": model.upstream_id})
    raw = await here.upstream.complete(replace(target, url=f"{target.url}/count_tokens"), asked, headers)
    if isinstance(raw, Failure):
        raise Refused(refusal_of(own_key_refused(raw, target), native=True))
    try:
        return _answer(_decode(raw).input_tokens, [])
    except INVALID:
        raise Refused(Refusal(RefusalKind.PROVIDER_FAILED, "the provider's answer is not valid")) from None


def _answer(tokens: int, headers: RawHeaders) -> WireResponse:
    return WireResponse(200, [JSON, *headers], _encode({"input_tokens": tokens}))
