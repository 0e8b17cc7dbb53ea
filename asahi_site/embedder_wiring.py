"""Composes T2's embedders: the one in this process, and one behind an API, where one is configured."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from asahi_site.config import Cache
from caching.domain import MeteredEmbedder
from inference.domain import Usage, Wire
from inference.pricing import PriceBook
from inference.providers.targets import Targets
from inference.providers.upstream import Target
from inference.registry import Registry
from inference.semantic.embedding import Source, Sources

log = logging.getLogger(__name__)

COHERE_MODEL, OPENAI_MODEL = "embed-v4.0", "text-embedding-3-small"
_DIMENSIONS = {"cohere": 1024, "openai": 1536}
"""Those that T2's tables have an index for."""
_LOCAL_PATIENCE_MS, _REMOTE_PATIENCE_MS = 30, 300
_CALL_SECONDS = 10.0
"""How long a call may take for what is learned from it, after the request went on."""


def make_sources(registry: Registry, prices: PriceBook, targets: Targets) -> Sources:
    """Raises ImproperlyConfigured when the embedder that is asked for cannot be had."""
    from caching.embeddings.local import LocalEmbedder  # loads numpy and a network: only where T2 is wanted

    config: Cache = settings.ASAHI.cache
    local = Source(LocalEmbedder(), (config.embedding_timeout_ms or _LOCAL_PATIENCE_MS) / 1000)
    kind = config.embedder
    if kind == "auto":
        kind = "cohere" if _is_reached(registry, targets) else "local"
    if kind == "local":
        return Sources(local)
    model, embedder = (_cohere if kind == "cohere" else _openai)(config, registry, targets)
    log.warning("t2.questions_leave", extra={"embedder": embedder.version})  # an operator should not learn it by chance
    remote = Source(
        embedder,
        (config.embedding_timeout_ms or _REMOTE_PATIENCE_MS) / 1000,
        model=model,
        price_of=_price_of(config, model, registry, prices),
        proven=False,
    )
    return Sources(local, remote)


def _is_reached(registry: Registry, targets: Targets) -> bool:
    """Whether Cohere's key is set. A simulated embedding is no better than the local one."""
    model = registry.find(COHERE_MODEL)
    target = None if model is None else targets.for_model(model, Wire.EMBEDDINGS)
    return target is not None and not target.simulated


def _cohere(config: Cache, registry: Registry, targets: Targets) -> tuple[str, MeteredEmbedder]:
    from caching.embeddings.cohere import CohereApi
    from caching.embeddings.remote import RemoteEmbedder

    model = config.embedding_model or COHERE_MODEL
    target = _target_of(model, registry, targets)
    api = CohereApi(
        key="simulated" if target.simulated else os.environ["COHERE_API_KEY"].strip(),
        model=_upstream_id(model, registry),
        dimensions=config.embedding_dimensions or _DIMENSIONS["cohere"],
        base_url=f"{settings.SIMULATOR_URL.rstrip('/')}/cohere" if target.simulated else None,
        timeout=_CALL_SECONDS,
    )
    return model, RemoteEmbedder("cohere", api)


def _openai(config: Cache, registry: Registry, targets: Targets) -> tuple[str, MeteredEmbedder]:
    """At an address of the operator's own only the key that is meant for it is shown."""
    from caching.embeddings.openai import OpenAIApi
    from caching.embeddings.remote import RemoteEmbedder

    model = config.embedding_model or OPENAI_MODEL
    if config.embedding_base_url:
        provider, upstream_id, base_url = "own", model, config.embedding_base_url
        key = config.embedding_api_key.get_secret_value()
    else:
        target = _target_of(model, registry, targets)
        provider, upstream_id, base_url = target.provider, _upstream_id(model, registry), _base_of(target)
        key = _bearer_of(target)
    api = OpenAIApi(
        provider=provider, key=key, model=upstream_id, base_url=base_url, timeout=_CALL_SECONDS,
        dimensions=config.embedding_dimensions or _DIMENSIONS["openai"], own_address=bool(config.embedding_base_url),
    )  # fmt: skip
    return model, RemoteEmbedder("openai", api)


def _target_of(name: str, registry: Registry, targets: Targets) -> Target:
    model = registry.find(name)
    if model is None or model.wire is not Wire.EMBEDDINGS:
        raise ImproperlyConfigured(f"ASAHI_CACHE_EMBEDDING_MODEL: {name!r} is not a registered embedding model")
    target = targets.for_model(model, Wire.EMBEDDINGS)
    if target is None:
        raise ImproperlyConfigured(f"ASAHI_CACHE_EMBEDDER: {model.provider} has no key, and is not simulated")
    return target


def _upstream_id(name: str, registry: Registry) -> str:
    model = registry.find(name)
    assert model is not None, "its target was found by it"
    return model.upstream_id


def _base_of(target: Target) -> str:
    return target.url.removesuffix("/embeddings")


def _bearer_of(target: Target) -> str:
    headers = dict(target.headers)
    if "authorization" not in headers:
        raise ImproperlyConfigured(f"ASAHI_CACHE_EMBEDDER: {target.provider} cannot be asked with OpenAI's client")
    return headers["authorization"].removeprefix("Bearer ")


def _price_of(config: Cache, name: str, registry: Registry, prices: PriceBook) -> Callable[[int], int]:
    """By the operator's own price, else by the price book; a model of neither is not used, since it would be for
    nothing in every receipt."""
    own, model = config.embedding_usd_per_million, registry.find(name)
    if own is not None:
        nano_per_token = own * 1000
        return lambda tokens: int((nano_per_token * tokens).quantize(Decimal(1), ROUND_HALF_UP))
    if model is None or config.embedding_base_url:
        raise ImproperlyConfigured(
            f"set ASAHI_CACHE_EMBEDDING_USD_PER_MILLION: no price is known for {name!r} (0 on a machine of your own)"
        )
    return lambda tokens: prices.price(model, Usage(tokens))
