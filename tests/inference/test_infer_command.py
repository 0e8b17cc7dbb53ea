"""`manage.py infer`: the answer on standard output, what it cost beside it."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.inference.replay_fakes import FakeGateway, failure, serve_in_thread


def where(endpoint: object) -> tuple[str, ...]:
    return ("--base-url", endpoint.base_url, "--api-key", endpoint.api_key)  # type: ignore[attr-defined]


def test_it_prints_the_answer_and_what_it_cost(capsys: pytest.CaptureFixture[str]) -> None:
    gateway = FakeGateway()
    gateway.recordings["dear-model", "Hi?"] = "Hello!"
    options = ("--model", "dear-model", "--cache", "on", "--routing", "explicit", "--max-tokens", "9")
    with serve_in_thread(gateway) as endpoint:
        call_command("infer", "Hi?", *options, *where(endpoint))
        first = capsys.readouterr()
        call_command("infer", "Hi?", *options, *where(endpoint))
        second = capsys.readouterr()
    assert first.out == second.out == "Hello!\n"
    assert "dear-model · miss · $0.000120018 (instead of $0.000120018, 0.0% saved)" in first.err
    assert "dear-model · t1 · $0 (instead of $0.000120018, 100.0% saved)" in second.err
    assert "dear-model was chosen" in second.err
    body, headers = gateway.requests[0]
    assert body["max_completion_tokens"] == 9
    assert headers["x-asahi-routing"] == "explicit"


def test_a_refusal_is_an_error_with_the_gateways_words() -> None:
    gateway = FakeGateway()
    gateway.faults.append(failure(403, "the model is not allowed"))
    with (
        serve_in_thread(gateway) as endpoint,
        pytest.raises(CommandError, match="answered 403: the model is not allowed"),
    ):
        call_command("infer", "Hi?", *where(endpoint))


def test_without_a_gateway_it_says_how_to_start_one(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    with pytest.raises(CommandError, match="make run"):
        call_command("infer", "Hi?")
