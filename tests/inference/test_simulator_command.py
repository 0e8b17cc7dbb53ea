"""`manage.py simulator` and `python -m inference.simulator`: started as processes, as the Procfile does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from inference.simulator.arguments import port_of
from inference.simulator.catalogue import Catalogue
from inference.simulator.registered import DEFAULT_FILE, read_catalogue
from tests.inference.simulator_process import ROOT, start_simulator


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, **environment}
    with subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    out: IO[str] | Any = process.stdout
    return str(out.readline()).strip()


@pytest.mark.parametrize("command", [("manage.py", "simulator"), ("-m", "inference.simulator")])
def test_it_listens_where_the_gateway_will_call(command: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with running(*command, ASAHI_PROVIDERS_SIMULATOR_URL=url) as process:
        assert first_line(process) == f"simulator: {url}"
        assert httpx.get(f"{url}/health").json()["status"] == "ok"


def test_it_is_up_within_a_second() -> None:
    started = time.monotonic()
    with start_simulator() as simulator:
        elapsed = time.monotonic() - started
        assert httpx.get(f"{simulator.url}/health").is_success

    assert elapsed < 2, "half a second on a quiet machine"


def test_a_signal_ends_it_even_while_a_call_hangs() -> None:
    with running("-m", "inference.simulator", "--port", "0", "--latency-ms", "60000") as process:
        url = first_line(process).removeprefix("simulator: ")
        body = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "x"}]}
        with pytest.raises(httpx.TimeoutException):
            httpx.post(
                f"{url}/openai/v1/chat/completions", headers={"authorization": "Bearer x"}, json=body, timeout=0.3
            )
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=5) is not None


def test_latency_flags_hold_until_the_control_endpoint_says_otherwise() -> None:
    with start_simulator("--latency-ms", "30", "--chunk-ms", "2") as simulator:
        plan = simulator.control("GET", "/faults")
        simulator.disturb(latency_ms=5)
        simulator.control("POST", "/reset")

        assert (plan["latency_ms"], plan["chunk_ms"]) == (30, 2)
        assert simulator.control("GET", "/faults") == plan


def test_the_pace_of_batches_is_a_flag() -> None:
    with start_simulator("--batch-seconds", "3") as simulator:
        simulator.pace(seconds=0.1, ending="expired")
        simulator.control("POST", "/reset")

        assert simulator.control("GET", "/batches") == {"seconds": 3, "ending": "completed", "after_lines": 0}


def test_every_registered_model_is_served() -> None:
    catalogue = read_catalogue(DEFAULT_FILE)

    assert catalogue.registered
    for provider, models in catalogue.registered.items():
        assert all(catalogue.chats(provider, model) for model in models)
        assert not catalogue.chats(provider, "no-such-model")


def test_without_a_registry_the_usual_models_are_served(tmp_path: Path) -> None:
    assert read_catalogue(tmp_path / "none.yaml") == Catalogue()
    assert Catalogue().chats("openai", "gpt-6-luna")


def test_the_port_is_that_of_the_url() -> None:
    assert port_of("http://127.0.0.1:4567") == 4567
    assert port_of("") == port_of("http://localhost")


def test_nothing_of_a_prompt_reaches_the_output() -> None:
    with running("-m", "inference.simulator", "--port", "0") as process:
        url = first_line(process).removeprefix("simulator: ")
        body = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "a very secret prompt"}]}
        httpx.post(f"{url}/openai/v1/chat/completions", headers={"authorization": "Bearer x"}, json=body)
        process.terminate()
        out, _ = process.communicate(timeout=5)

    assert "secret" not in out
