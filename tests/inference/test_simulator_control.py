"""Recordings, the ledger of calls and the reset: what tests and benches hold the simulator with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from inference.simulator.control import is_loopback
from inference.simulator.recordings import read_recordings
from tests.inference.simulator_process import KEY, RunningSimulator, start_simulator

MODEL = "gpt-6-luna"
PROMPT = "What is 6 times 7?"
TEXT = "The answer is 42. Naïve? 🎉 No."


def say(client: openai.OpenAI, prompt: str = PROMPT, **more: Any) -> Any:
    messages: Any = [{"role": "user", "content": prompt}]
    return client.chat.completions.create(**{"model": MODEL, "messages": messages} | more)


def text_of(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def test_a_recorded_prompt_gets_exactly_the_recorded_text(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    simulator.record(PROMPT, TEXT)
    streamed = say(openai_client, stream=True)

    assert text_of(say(openai_client)) == TEXT
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed) == TEXT
    assert "simulated" in text_of(say(openai_client, PROMPT + " ")).lower()


def test_a_recording_of_the_model_goes_before_one_of_any(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    simulator.record(PROMPT, "for any")
    simulator.record(PROMPT, "for this", model=MODEL)

    assert text_of(say(openai_client)) == "for this"
    assert text_of(say(openai_client, model="gpt-5.4-mini")) == "for any"


def test_the_last_user_message_is_what_counts(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    simulator.record(PROMPT, TEXT)
    history: Any = [
        {"role": "system", "content": "Be exact."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": [{"type": "text", "text": PROMPT}]},
    ]

    assert text_of(openai_client.chat.completions.create(model=MODEL, messages=history)) == TEXT


def test_only_the_token_limit_cuts_a_recorded_text(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    simulator.record(PROMPT, TEXT)

    assert text_of(say(openai_client, stop=["answer"])) == TEXT
    cut = say(openai_client, max_completion_tokens=3)
    assert TEXT.startswith(text_of(cut))
    assert cut.choices[0].finish_reason == "length"
    assert text_of(cut) != TEXT


def test_recordings_hold_for_every_provider(
    simulator: RunningSimulator, anthropic_client: Any, cohere_client: Any
) -> None:
    simulator.record(PROMPT, TEXT)
    messages = [{"role": "user", "content": PROMPT}]
    message = anthropic_client.messages.create(model="claude-haiku-5-5", max_tokens=100, messages=messages)
    answer = cohere_client.chat(model="command-a-03-2025", messages=messages)

    assert message.content[0].text == TEXT
    assert answer.message.content[0].text == TEXT


def test_recordings_can_be_deleted(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    simulator.record(PROMPT, TEXT)
    assert simulator.stats()["recordings"] == 1
    simulator.control("DELETE", "/recordings")

    assert simulator.stats()["recordings"] == 0
    assert text_of(say(openai_client)) != TEXT


def test_many_recordings_go_in_at_once(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    answers = [{"model": "*", "prompt": f"Question {n}", "text": f"Answer {n} " + "x" * 1000} for n in range(18_000)]
    loaded = simulator.control("POST", "/recordings", {"answers": answers})

    assert loaded == {"loaded": 18_000}
    assert text_of(say(openai_client, "Question 17999")).startswith("Answer 17999 ")


def test_recordings_are_read_from_a_file_and_outlive_a_reset(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"model": "*", "prompt": PROMPT, "text": TEXT}) + "\n\n")
    with (
        start_simulator("--recordings", str(file)) as running,
        openai.OpenAI(base_url=f"{running.url}/openai/v1", api_key=KEY) as client,
    ):
        running.control("POST", "/reset")
        assert text_of(say(client)) == TEXT


def test_a_broken_recordings_file_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"model": "*", "prompt": "a", "text": "b"}) + '\n{"model": "*"}\n')

    with pytest.raises(ValueError, match=r"answers\.jsonl, line 2"):
        read_recordings(file)


def test_a_call_is_entered_with_what_the_caller_was_told(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    answer = say(openai_client, extra_headers={"x-client-request-id": "req_abc"})

    assert simulator.calls() == [
        {
            "n": 1,
            "id": answer.id,
            "provider": "openai",
            "model": MODEL,
            "path": "/openai/v1/chat/completions",
            "stream": False,
            "input_tokens": answer.usage.prompt_tokens,
            "cached_input_tokens": 0,
            "cache_write_tokens": 0,
            "output_tokens": answer.usage.completion_tokens,
            "outcome": "ok",
            "metadata": "req_abc",
            "service": "default",
            "reasoning_tokens": 0,
            "audio_input_tokens": 0,
            "audio_output_tokens": 0,
            "web_searches": 0,
            "fault": "none",
            "worked_input_tokens": answer.usage.prompt_tokens,
            "worked_output_tokens": answer.usage.completion_tokens,
            "batch": "",
        }
    ]


def test_calls_are_given_from_a_number_on(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    for _ in range(5):
        say(openai_client)

    assert [call["n"] for call in simulator.calls(since=3)] == [4, 5]
    assert simulator.calls(since=5) == []
    assert simulator.calls(since=50) == []


def test_the_sums_are_those_of_the_calls(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    for model in (MODEL, MODEL, "gpt-5.4-mini"):
        list(say(openai_client, model=model, stream=True))
    calls, stats = simulator.wait_for_calls(3), simulator.stats()

    assert stats["calls"] == 3
    assert stats["outcomes"] == {"ok": 3}
    for model in (MODEL, "gpt-5.4-mini"):
        mine = [call for call in calls if call["model"] == model]
        assert stats["by_model"][model] == {
            "calls": len(mine),
            **{
                name: sum(call[name] for call in mine)
                for name in ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens")
            },
        }


def test_a_reset_forgets_calls_recordings_and_faults(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    simulator.record(PROMPT, TEXT)
    say(openai_client)
    simulator.disturb(error_rate=1.0)
    simulator.control("POST", "/reset")

    assert simulator.calls() == []
    assert simulator.stats()["calls"] == 0
    assert text_of(say(openai_client)) != TEXT


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/recordings", b'{"answers": [{"prompt": "a"}]}'),
        ("POST", "/recordings", b"{"),
        ("POST", "/faults", b'{"error_rate": 2}'),
        ("POST", "/faults", b'{"error_rat": 1}'),
        ("POST", "/faults", b'{"error_rate": 0.6, "hang_rate": 0.6}'),
        ("POST", "/faults", b'{"rules": [{"kind": "explode"}]}'),
        ("POST", "/faults", b'{"rules": [{"kind": "error", "status": 200}]}'),
        ("POST", "/faults", b'{"rules": [{"kind": "error", "rates": 1}]}'),
        ("POST", "/fidelity", b'{"fidelity": "loose"}'),
        ("GET", "/calls?since=yesterday", b""),
    ],
)
def test_a_control_body_that_does_not_fit_is_refused_with_the_reason(
    simulator: RunningSimulator, method: str, path: str, body: bytes
) -> None:
    response = httpx.request(method, f"{simulator.url}/_control{path}", content=body)

    assert response.status_code == 400
    assert response.json()["error"]


def test_health_and_unknown_paths(simulator: RunningSimulator) -> None:
    health = httpx.get(f"{simulator.url}/health").json()

    assert (health["status"], health["simulated"]) == ("ok", True)
    for path in ("/", "/nothing", "/_control/nothing", "/compat", "/compat/"):
        assert httpx.get(simulator.url + path).status_code == 404


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("10.0.0.7", False), ("testclient", False), ("", False)],
)
def test_only_loopback_addresses_may_control(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_forwarded_address_is_not_believed(simulator: RunningSimulator) -> None:
    response = httpx.get(f"{simulator.url}/_control/stats", headers={"x-forwarded-for": "10.0.0.7"})

    assert response.status_code == 200


def test_a_body_beyond_all_bounds_is_refused(simulator: RunningSimulator) -> None:
    response = httpx.post(f"{simulator.url}/_control/recordings", content=b"x" * (33 * 1024 * 1024))

    assert response.status_code == 413
