"""What the vendors' own clients make of a provider that fails; and that a model left alone is called again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from asahi_site import runtime
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.hostile_calls import CHAT, HAIKU, LUNA, Way, ask
from tests.gateway.test_hostile_providers import close_breakers

TERRA = "gpt-6.1-terra"
SAID: Any = [{"role": "user", "content": "What is known about salt?"}]


@pytest.fixture(autouse=True)
def closed_again(gateway: Served) -> Iterator[None]:
    yield
    close_breakers()


@pytest.fixture
def chatting(gateway: Served, tenant: Tenant) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key, max_retries=0) as client:
        yield client


@pytest.fixture
def claude(gateway: Served, tenant: Tenant) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=tenant.key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("model", [LUNA, HAIKU])
@pytest.mark.parametrize("kind", ["garbage", "html", "redirect"])
def test_the_clients_raise_their_own_error_for_no_answer(
    chatting: openai.OpenAI, claude: anthropic.Anthropic, simulator: Simulator, kind: str, model: str
) -> None:
    simulator.faults(rules=[{"kind": kind}])
    calls: list[Callable[[], Any]] = [
        lambda: chatting.chat.completions.create(model=model, messages=SAID),
        lambda: chatting.chat.completions.create(model=model, messages=SAID, stream=True),
        lambda: chatting.responses.create(model=model, input="What is known about salt?"),
    ]
    for call in calls:
        with pytest.raises(openai.InternalServerError) as refused:
            call()
        assert (refused.value.status_code, refused.value.code) == (503, "provider_failed")
    with pytest.raises(anthropic.APIStatusError) as overloaded:
        claude.messages.create(model=model, messages=SAID, max_tokens=50)
    assert overloaded.value.status_code == 503
    assert overloaded.value.body["error"]["type"]  # type: ignore[index]


@pytest.mark.parametrize("model", [LUNA, HAIKU])
@pytest.mark.parametrize("kind", ["cut", "no_end", "error_event"])
def test_the_clients_raise_their_own_error_for_a_stream_that_breaks(
    chatting: openai.OpenAI, claude: anthropic.Anthropic, simulator: Simulator, kind: str, model: str
) -> None:
    simulator.faults(rules=[{"kind": kind, "after_chunks": 8}] if kind != "no_end" else [{"kind": kind}])
    said: list[str] = []
    with pytest.raises(openai.APIError):
        said.extend(
            text_of(chunk) for chunk in chatting.chat.completions.create(model=model, messages=SAID, stream=True)
        )
    with (
        pytest.raises(anthropic.APIError),
        claude.messages.stream(model=model, messages=SAID, max_tokens=200) as stream,
    ):
        said.extend(stream.text_stream)
    assert "".join(said)
    *_, last = chatting.responses.create(model=model, input="salt", stream=True, store=False)
    assert last.type == "response.failed"


def text_of(chunk: ChatCompletionChunk) -> str:
    return chunk.choices[0].delta.content or "" if chunk.choices else ""


def test_a_model_left_alone_is_tried_by_one_call_and_called_again(
    gateway: Served, tenant: Tenant, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    breakers = runtime.current().breakers
    monkeypatch.setattr(breakers, "_cooldown", 0.6)
    monkeypatch.setattr("inference.calling._BACKOFF_SECONDS", (0.01,))
    simulator.faults(rules=[{"kind": "error", "status": 500, "models": [TERRA]}])
    for number in range(4):
        assert ask(gateway, Way(CHAT, TERRA), tenant, f"failing {number}").status_code == 503
    assert breakers.is_open(TERRA)
    met = len(simulator.calls())
    time.sleep(0.7)
    assert ask(gateway, Way(CHAT, TERRA), tenant, "a probe that fails").status_code == 503
    assert met < len(simulator.calls()) <= met + 3
    assert breakers.is_open(TERRA), "the probe failed"
    simulator.faults()
    assert ask(gateway, Way(CHAT, TERRA), tenant, "too soon").status_code == 503
    time.sleep(0.7)
    for number in range(2):
        assert ask(gateway, Way(CHAT, TERRA), tenant, f"well again {number}").status_code == 200
    assert breakers.all_closed


def test_a_stream_that_breaks_is_not_begun_again_by_another_model(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(rules=[{"kind": "cut", "after_chunks": 6}])
    answer = ask(gateway, Way(CHAT, "asahi", stream=True), tenant, "Choose a model and break")
    assert answer.status_code == 200
    assert "provider_failed" in answer.text
    (call,), (entry,) = simulator.calls(), tenant.ledger(1)
    assert entry.model == call["model"] == answer.headers["x-asahi-model"]
    assert entry.output_tokens == call["worked_output_tokens"]
