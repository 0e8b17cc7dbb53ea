"""The batch services of providers: which there are for whom, and how each is spoken with."""

from __future__ import annotations

from governance.domain import Accounts
from inference.domain import Model, Wire
from inference.gateway import Gateway
from inference.providers.anthropic_batches import AnthropicBatches
from inference.providers.batches import ProviderBatches
from inference.providers.openai_batches import OpenAIBatches
from inference.providers.upstream import Target

_TIMEOUT_SECONDS = 120.0


_OPENAI_PATHS = {Wire.CHAT: "/chat/completions", Wire.RESPONSES: "/responses", Wire.EMBEDDINGS: "/embeddings"}
_PATHS = {"openai": _OPENAI_PATHS, "anthropic": {Wire.MESSAGES: "/v1/messages"}}
"""By protocol: the wires its batches take, and what a model's own address ends with behind the SDK's."""


def service_target(gateway: Gateway, model: Model, wire: Wire, accounts: Accounts) -> Target | None:
    """Where the model takes batches of this wire; None when it does not.

    Not at an address that an organization has named: the vendors' clients would follow it anywhere.
    """
    kind = gateway.registry.providers[model.provider].batches
    path = _PATHS.get(kind, {}).get(wire)
    target = gateway.targets.for_model(model, wire, accounts) if path else None
    if target is None or path is None or target.guarded or not target.url.endswith(path):
        return None
    return target


def open_service(gateway: Gateway, target: Target) -> ProviderBatches:
    """To be closed."""
    kind = gateway.registry.providers[target.provider].batches
    base_url = target.url.removesuffix(_PATHS[kind][target.wire])
    key = _key_of(target)
    if kind == "anthropic":
        return AnthropicBatches(base_url=base_url, key=key, timeout=_TIMEOUT_SECONDS)
    return OpenAIBatches(base_url=base_url, key=key, timeout=_TIMEOUT_SECONDS)


def most_bytes(gateway: Gateway, provider: str) -> int:
    """How much one batch of the provider may hold."""
    kind = gateway.registry.providers[provider].batches
    return AnthropicBatches.most_bytes if kind == "anthropic" else OpenAIBatches.most_bytes


def _key_of(target: Target) -> str:
    headers = dict(target.headers)
    return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
