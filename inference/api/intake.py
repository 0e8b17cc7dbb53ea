"""A request's bytes and headers → a `Call`, or the refusal that says what is wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from inference.api.controls import AUTOMATIC_MODELS, InvalidControl, read_controls
from inference.domain import IDEMPOTENCY_KEY, Call, Controls, Refusal, RefusalKind, RoutingMode, Wire
from inference.wire.checks import Invalid
from inference.wire.format import format_of
from inference.wire.messages.fields import REFUSED_HEADERS
from inference.wire.responses.checks import unresolved
from inference.wire.searches import searches_bound

_decode = msgspec.json.Decoder().decode

_ANTHROPIC_BETA = "anthropic-beta"


def read_json(raw: bytes) -> dict[str, Any] | Refusal:
    """A request body that must be a JSON object."""
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Refusal(RefusalKind.INVALID, f"the body is not valid JSON: {error}")
    except RecursionError:
        return Refusal(RefusalKind.INVALID, "the body is nested too deeply")
    if not isinstance(body, dict):
        return Refusal(RefusalKind.INVALID, "the body must be a JSON object")
    return body


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came in: its id, when (`time.perf_counter`), its body, and its headers in WSGI style.

    A body that went into a file is not in `raw`; `digest` tells it from others.
    """

    request_id: str
    at: float
    raw: bytes
    headers: Mapping[str, str]
    digest: bytes = b""


def read_call(
    arrival: Arrival, wire: Wire, default_mode: RoutingMode, org_id: str, *, own_account: bool = False
) -> Call | Refusal:
    """A call in one of the compatible wires, by somebody of the organization. `own_account`: it has a provider key of
    its own, and may name what a provider keeps for it; the call is then made with no other. What Asahi keeps is
    named in `inference.responses` alone."""
    body = read_json(arrival.raw)
    if isinstance(body, Refusal):
        return body
    refused = checked(body, wire, own_account=own_account)
    if refused is None and wire is Wire.RESPONSES:
        refused = _refusal_of(unresolved(body))
    return refused or steered_call(arrival, body, wire, default_mode, org_id)


def checked(body: dict[str, Any], wire: Wire, *, own_account: bool = False) -> Refusal | None:
    """What is wrong with a body in the shape of `wire`."""
    return _refusal_of(format_of(wire).check(body, own_account=own_account))


def _refusal_of(problem: Invalid | None) -> Refusal | None:
    if problem is None:
        return None
    return Refusal(RefusalKind.INVALID, problem.message, details={"param": problem.param})


def steered_call(
    arrival: Arrival, body: dict[str, Any], wire: Wire, default_mode: RoutingMode, org_id: str
) -> Call | Refusal:
    """A call from a checked body, by the model it names and the controls in the headers."""
    for name in REFUSED_HEADERS:
        if f"HTTP_{name.replace('-', '_').upper()}" in arrival.headers:
            message = f"The header '{name}' names a part of a provider's account, which organizations share here."
            return Refusal(RefusalKind.INVALID, message, details={"param": name})
    named = body.get("model")
    model = None if named is None or named in AUTOMATIC_MODELS else named
    try:
        controls = read_controls(arrival.headers, model, default_mode)
    except InvalidControl as error:
        return Refusal(RefusalKind.INVALID, str(error), details={"param": error.name})
    return make_call(arrival, body, wire=wire, model=model, controls=controls, org_id=org_id)


def make_call(
    arrival: Arrival, body: dict[str, Any], *, wire: Wire, model: str | None, controls: Controls, org_id: str
) -> Call:
    """A call from a checked body in the shape of `wire`."""
    shape = format_of(wire)
    if (cache_key := body.get("prompt_cache_key")) is not None:
        body = {**body, "prompt_cache_key": _own(org_id, str(cache_key))}
    return Call(
        request_id=arrival.request_id,
        wire=wire,
        body=body,
        model=model,
        stream=bool(body.get("stream")),
        include_usage=shape.include_usage(body),
        max_output_tokens=shape.max_output_tokens(body),
        input_token_bound=shape.input_token_bound(body, len(arrival.raw)),
        controls=controls,
        received_at=arrival.at,
        headers=_forwarded(arrival.headers, org_id),
        service=shape.service(body),
        searches=searches_bound(body),
    )


def _forwarded(headers: Mapping[str, str], org_id: str) -> dict[str, str]:
    """The caller's headers that are the provider's to act on.

    Organizations share the deployment's account with a provider, but never a key of their own making: see `_own`.
    """
    forwarded = {}
    beta, idempotency_key = headers.get("HTTP_ANTHROPIC_BETA"), headers.get("HTTP_IDEMPOTENCY_KEY")
    if beta is not None:
        forwarded[_ANTHROPIC_BETA] = beta
    if idempotency_key is not None:
        forwarded[IDEMPOTENCY_KEY] = _own(org_id, idempotency_key)
    return forwarded


def _own(org_id: str, key: str) -> str:
    """A key that means something to a provider, told apart from the same key of another organization. 64 characters."""
    return hashlib.sha256(f"{org_id} {key}".encode()).hexdigest()
