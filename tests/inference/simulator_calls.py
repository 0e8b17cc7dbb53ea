"""Calls of the simulated chat with their bytes left as they came, for tests of what a provider should never send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.inference.simulator_process import KEY, RunningSimulator

MODEL = "gpt-6-luna"
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]
CHAT: dict[str, Any] = {"model": MODEL, "messages": QUESTION}
STREAM = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
BEARER = {"authorization": f"Bearer {KEY}"}
_CLIENT = httpx.Client(headers=BEARER, limits=httpx.Limits(max_keepalive_connections=0))
"""One for all calls, since making one takes longer than a call; without connections that outlive theirs."""


def chat(simulator: RunningSimulator, *, timeout: float = 10, **more: Any) -> httpx.Response:
    url = f"{simulator.url}/openai/v1/chat/completions"
    return _CLIENT.post(url, json=CHAT | more, timeout=timeout)


@contextmanager
def stream(simulator: RunningSimulator, *, timeout: float = 10) -> Iterator[httpx.Response]:
    url = f"{simulator.url}/openai/v1/chat/completions"
    with _CLIENT.stream("POST", url, json=STREAM, timeout=timeout) as response:
        yield response


def events(simulator: RunningSimulator) -> list[str]:
    with stream(simulator) as response:
        return [line.removeprefix("data: ") for line in response.iter_lines() if line]


def said(event: str) -> str:
    choices = json.loads(event)["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""


def true_usage(simulator: RunningSimulator) -> dict[str, Any]:
    """What the undisturbed answer tells."""
    simulator.control("POST", "/reset")
    usage: dict[str, Any] = chat(simulator).json()["usage"]
    simulator.control("POST", "/reset")
    return usage


def only_call(simulator: RunningSimulator) -> dict[str, Any]:
    [call] = simulator.wait_for_calls(1)
    return call
