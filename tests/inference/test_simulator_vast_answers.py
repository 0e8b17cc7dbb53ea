"""Answers larger than anyone wants, sent without being held."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import httpx

from tests.inference.simulator_calls import BEARER, CHAT, chat, events, only_call, said, stream, true_usage
from tests.inference.simulator_process import RunningSimulator


def most_memory(simulator: RunningSimulator) -> int:
    """The most bytes that its process ever held."""
    status = Path(f"/proc/{simulator.pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def test_a_body_grows_to_any_size_and_stays_json(simulator: RunningSimulator) -> None:
    simulator.spoil("huge", size=300_000)
    body = chat(simulator)

    assert len(body.content) > 300_000
    assert body.json()["choices"][0]["message"]["content"]


def test_a_hundred_megabytes_are_sent_without_being_held(simulator: RunningSimulator) -> None:
    before = most_memory(simulator)
    simulator.spoil("huge")
    url = f"{simulator.url}/openai/v1/chat/completions"
    with httpx.stream("POST", url, headers=BEARER, json=CHAT, timeout=60) as response:
        size = sum(len(part) for part in response.iter_raw())

    assert size > 100_000_000
    assert most_memory(simulator) - before < 30_000_000
    assert only_call(simulator)["fault"] == "huge"


def test_a_single_event_grows_to_any_size(simulator: RunningSimulator) -> None:
    usage = true_usage(simulator)
    simulator.spoil("huge", size=300_000, after_chunks=2)
    received = events(simulator)

    assert len(received[2]) > 300_000
    assert said(received[2])
    assert only_call(simulator)["worked_output_tokens"] == usage["completion_tokens"]


def test_a_stream_without_end_is_counted_until_the_client_leaves(simulator: RunningSimulator) -> None:
    usage = true_usage(simulator)
    simulator.spoil("endless")
    heard = 0
    with stream(simulator) as response:
        for line in response.iter_lines():
            heard += bool(line and said(line.removeprefix("data: ")))
            if heard > usage["completion_tokens"] + 50:
                break

    call = only_call(simulator)
    assert call["fault"] == "endless"
    assert call["worked_output_tokens"] >= heard


def test_a_body_without_end_is_sent_until_the_client_leaves(simulator: RunningSimulator) -> None:
    simulator.spoil("endless")
    size = 0
    url = f"{simulator.url}/openai/v1/chat/completions"
    with httpx.stream("POST", url, headers=BEARER, json=CHAT) as response:
        for part in response.iter_raw():
            size += len(part)
            if size > 2_000_000:
                break

    assert only_call(simulator)["fault"] == "endless"


def test_a_bomb_is_small_on_the_wire_and_vast_unpacked(simulator: RunningSimulator) -> None:
    simulator.spoil("gzip_bomb", size=20_000_000)
    url = f"{simulator.url}/openai/v1/chat/completions"
    with httpx.stream("POST", url, headers=BEARER | {"accept-encoding": "identity"}, json=CHAT) as response:
        wire = b"".join(response.iter_raw())

    assert response.headers["content-encoding"] == "gzip"
    assert len(wire) < 200_000
    assert len(zlib.decompress(wire, wbits=31)) > 20_000_000


def test_a_bomb_in_a_stream_is_one_event(simulator: RunningSimulator) -> None:
    simulator.spoil("gzip_bomb", size=1_000_000)
    [event] = events(simulator)

    assert len(json.loads(event)["padding"]) == 1_000_000


def test_a_single_event_of_a_hundred_megabytes_is_sent(simulator: RunningSimulator) -> None:
    simulator.spoil("huge", after_chunks=1)
    with stream(simulator, timeout=60) as response:
        size = sum(len(part) for part in response.iter_raw())

    assert size > 100_000_000
