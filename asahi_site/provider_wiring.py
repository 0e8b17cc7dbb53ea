"""The part of the composition root that has to do with providers: where they are, what time they get, how they do."""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.conf import settings

from governance.provider_keys import guard
from inference.providers.breaker import Breakers
from inference.providers.relay import Relay, RelayLimits
from inference.providers.standing import Standing
from inference.providers.targets import Targets
from inference.providers.traffic import Traffic
from inference.providers.upstream import Patience
from inference.registry import Registry


@dataclass(frozen=True, slots=True)
class Outward:
    """What one process reaches providers with."""

    relay: Relay
    targets: Targets
    breakers: Breakers
    traffic: Traffic
    standing: Standing


def make_outward(registry: Registry) -> Outward:
    """Nothing is started yet."""
    breakers, targets = Breakers(), make_targets(registry)
    config = settings.ASAHI.providers
    traffic = Traffic(share=config.retry_share, reserve=config.retry_reserve)
    return Outward(_make_relay(), targets, breakers, traffic, Standing(registry, targets, breakers, traffic))


def make_targets(registry: Registry) -> Targets:
    """Where this deployment's configuration finds the providers."""
    return Targets(
        registry,
        environ=os.environ,
        simulator_url=settings.SIMULATOR_URL,
        simulate=settings.ASAHI.providers.simulate,
        patience=_patience(),
        guard=guard(),
    )


def _make_relay() -> Relay:
    config = settings.ASAHI
    limits = RelayLimits(
        patience=_patience(),
        longest=config.providers.answer_timeout_seconds,
        max_answer_bytes=config.api.max_answer_bytes,
        pool_size=config.providers.pool_size,
    )
    return Relay(limits, guard())


def _patience() -> Patience:
    config = settings.ASAHI.providers
    return Patience(config.connect_timeout_seconds, config.first_byte_timeout_seconds, config.idle_timeout_seconds)
