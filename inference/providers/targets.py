"""Where each model's calls go: the provider's address and this deployment's key for it, or the simulator."""

from __future__ import annotations

from collections.abc import Mapping

from inference.domain import Model, Wire
from inference.providers.upstream import Target
from inference.registry import ProviderConfig, Registry

ANTHROPIC_VERSION = "2023-06-01"
_PATHS = {
    Wire.CHAT: "/chat/completions",
    Wire.MESSAGES: "/messages",
    Wire.RESPONSES: "/responses",
    Wire.EMBEDDINGS: "/embeddings",
}
_SIMULATED_PREFIX = {"openai": "/openai/v1", "anthropic": "/anthropic/v1", "cohere": "/compat/cohere/v1"}


class Targets:
    """One deployment's address book. A provider without a key is simulated if a simulator runs, else unavailable."""

    def __init__(self, registry: Registry, *, environ: Mapping[str, str], simulator_url: str, simulate: bool | None):
        """`simulate`: True for every provider, False for none, None for exactly those without a key."""
        self._targets: dict[str, Mapping[Wire, Target]] = {}
        for provider in registry.providers.values():
            key = environ.get(provider.key_env, "")
            simulated = bool(simulator_url) and (simulate is True or (simulate is None and not key))
            if simulated:
                self._targets[provider.id] = _simulated(provider, simulator_url)
            elif key:
                self._targets[provider.id] = _real(provider, key)

    def for_model(self, model: Model, wire: Wire) -> Target | None:
        """Where the model takes calls in this wire. None when this deployment cannot call its provider."""
        targets = self._targets.get(model.provider)
        return None if targets is None else targets[wire]

    def available(self, provider: str) -> bool:
        return provider in self._targets

    @property
    def simulated(self) -> bool:
        """Whether any provider is simulated."""
        return any(self.providers().values())

    def providers(self) -> dict[str, bool]:
        """Every callable provider, and whether it is simulated."""
        return {name: next(iter(targets.values())).simulated for name, targets in self._targets.items()}


def _real(provider: ProviderConfig, key: str) -> Mapping[Wire, Target]:
    return _targets_below(provider.base_url, provider, key, simulated=False)


def _simulated(provider: ProviderConfig, simulator_url: str) -> Mapping[Wire, Target]:
    prefix = _SIMULATED_PREFIX.get(provider.id, f"/compat/{provider.id}/v1")
    return _targets_below(simulator_url.rstrip("/") + prefix, provider, "simulated", simulated=True)


def _targets_below(base_url: str, provider: ProviderConfig, key: str, *, simulated: bool) -> Mapping[Wire, Target]:
    """One for each wire: which of them a model speaks is the registry's to say."""
    headers = _credentials(provider.wire, key)
    return {
        wire: Target(provider.id, wire, base_url.rstrip("/") + path, headers, simulated)
        for wire, path in _PATHS.items()
    }


def _credentials(wire: Wire, key: str) -> tuple[tuple[str, str], ...]:
    shared = (("content-type", "application/json"),)
    if wire is Wire.MESSAGES:
        return (*shared, ("x-api-key", key), ("anthropic-version", ANTHROPIC_VERSION))
    return (*shared, ("authorization", f"Bearer {key}"))
