"""Fixtures for everything below: the simulated providers, and routers over a few models."""

from tests.inference.routing_calls import build, folder, router
from tests.inference.simulator_process import (
    anthropic_client,
    cohere_client,
    openai_client,
    simulator,
    simulator_process,
)

__all__ = [
    "anthropic_client",
    "build",
    "cohere_client",
    "folder",
    "openai_client",
    "router",
    "simulator",
    "simulator_process",
]
