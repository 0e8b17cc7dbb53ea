"""The gateway of this process: what the API routes serve with. Installed by the wiring when the server starts."""

from __future__ import annotations

from dataclasses import dataclass

from inference.domain import RoutingMode
from inference.idempotency import Claims
from inference.pipeline import Pipeline
from inference.pricing import PriceBook
from inference.providers.targets import Targets
from inference.providers.upstream import Upstream
from inference.registry import Registry
from inference.responses.store import ResponseStore
from inference.workflow.naming import Documents


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything a route needs."""

    pipeline: Pipeline
    registry: Registry
    prices: PriceBook
    targets: Targets
    claims: Claims
    upstream: Upstream
    default_mode: RoutingMode
    responses: ResponseStore
    documents: Documents


class _Installed:
    gateway: Gateway | None = None


def install(gateway: Gateway | None) -> None:
    """Give the routes their gateway; None takes it away at shutdown."""
    _Installed.gateway = gateway


def current() -> Gateway:
    """The gateway of this process. An assertion fails when the server was not started through its lifespan."""
    assert _Installed.gateway is not None, "the gateway has not been started"
    return _Installed.gateway
