"""Fixtures for everything below: the simulated providers."""

from tests.inference.simulator_process import (
    anthropic_client,
    cohere_client,
    openai_client,
    simulator,
    simulator_process,
)

__all__ = ["anthropic_client", "cohere_client", "openai_client", "simulator", "simulator_process"]
