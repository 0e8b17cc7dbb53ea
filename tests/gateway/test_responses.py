"""`/v1/responses` as the official client uses it: with models that speak it, and with those it is translated for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import Response
from pydantic import BaseModel

from inference import catalog
from inference.domain import Wire
from tests.gateway.conftest import Served, Simulator, Tenant

OPENAI, CLAUDE, MISTRAL = "gpt-6-luna", "claude-haiku-5-5", "mistral-large-4"
MODELS = (OPENAI, CLAUDE, MISTRAL)
WEATHER = {
    "type": "function", "name": "get_weather", "description": "The weather in a city.", "strict": True,
    "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": False,
    },
}  # fmt: skip


class City(BaseModel):
    name: str
    population: int


@pytest.fixture
def client(gateway: Served, tenant: Tenant) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("model", MODELS)
def test_a_response_is_made_billed_and_given_an_id_of_ours(client: OpenAI, tenant: Tenant, model: str) -> None:
    response = client.responses.create(model=model, input=f"hello {model}", instructions="Be brief.")
    assert response.id.startswith("resp_")
    assert response.status == "completed"
    assert response.output_text
    assert response.instructions == "Be brief."
    assert response.usage is not None
    assert response.usage.output_tokens > 0
    [entry] = tenant.ledger(1)
    assert entry.wire == "responses"
    assert (entry.input_tokens, entry.output_tokens) == (response.usage.input_tokens, response.usage.output_tokens)
    assert entry.cost_nano > 0
    assert not entry.usage_estimated


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_adds_up_to_the_response_that_can_be_fetched(client: OpenAI, model: str) -> None:
    deltas, numbers, last = [], [], None
    for event in client.responses.create(model=model, input=f"stream {model}", stream=True):
        numbers.append(event.sequence_number)
        last = event
        if event.type == "response.output_text.delta":
            deltas.append(event.delta)
    assert numbers == list(range(len(numbers)))
    assert last is not None
    assert last.type == "response.completed"
    assert "".join(deltas) == last.response.output_text
    assert client.responses.retrieve(last.response.id).output_text == last.response.output_text


@pytest.mark.parametrize("model", MODELS)
def test_the_clients_own_stream_helper_parses_what_was_asked_for(client: OpenAI, model: str) -> None:
    with client.responses.stream(model=model, input="Which city is largest?", text_format=City) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    assert {"response.created", "response.output_text.delta", "response.completed"} <= kinds
    assert isinstance(final.output_parsed, City)


def test_parse_gives_an_object(client: OpenAI) -> None:
    for model in MODELS:
        parsed = client.responses.parse(model=model, input=f"A city, {model}?", text_format=City)
        assert isinstance(parsed.output_parsed, City)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_a_loop_of_tools_goes_on_by_the_previous_response(client: OpenAI, model: str, stream: bool) -> None:
    first = ask(client, stream, model=model, input=f"weather in Oslo {stream}", tools=[WEATHER], tool_choice="required")
    [call] = [item for item in first.output if item.type == "function_call"]
    assert call.name == "get_weather"
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    second = ask(client, stream, model=model, input=[result], tools=[WEATHER], previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert second.id != first.id
    assert second.output_text


def ask(client: OpenAI, stream: bool, **asked: Any) -> Response:
    if not stream:
        return client.responses.create(**asked)
    last = None
    for last in client.responses.create(**asked, stream=True):  # noqa: B007
        pass
    assert last is not None
    assert last.type == "response.completed"
    return last.response


async def test_the_async_client_streams_too(gateway: Served, tenant: Tenant) -> None:
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key) as client:
        stream = await client.responses.create(model=OPENAI, input="hello async", stream=True)
        kinds = [event.type async for event in stream]
        whole = await client.responses.create(model=OPENAI, input="hello async whole")
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert whole.output_text


@pytest.mark.parametrize("stream", [False, True])
def test_autopilot_chooses_a_model_that_can_answer(client: OpenAI, stream: bool) -> None:
    assert ask(client, stream, model="asahi", input=f"what is 2 + 2? {stream}").output_text
    chosen = ask(client, stream, model="asahi", input=f"search the web {stream}", tools=[{"type": "web_search"}])
    model = catalog.registry().find(chosen.model)
    assert model is not None
    assert model.speaks(Wire.RESPONSES)


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_cut_at_its_limit_is_incomplete(client: OpenAI, model: str) -> None:
    response = client.responses.create(model=model, input="tell a long story", max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("model", [CLAUDE, MISTRAL])
def test_a_custom_tool_reaches_models_that_know_only_functions(client: OpenAI, model: str) -> None:
    tool: Any = {"type": "custom", "name": "run", "description": "Runs a program."}
    response = client.responses.create(model=model, input="run it", tools=[tool], tool_choice="required")
    [call] = [item for item in response.output if item.type == "custom_tool_call"]
    assert call.name == "run"
    assert not call.input.startswith("{")


def test_an_identical_request_is_answered_from_t1_under_a_new_id(client: OpenAI, tenant: Tenant) -> None:
    first = client.responses.with_raw_response.create(model=OPENAI, input="the same", metadata={"turn": "1"})
    second = client.responses.with_raw_response.create(
        model=OPENAI, input=[{"role": "user", "content": "the same"}], metadata={"turn": "2"}
    )
    assert second.headers["x-asahi-cache"] == "t1"
    assert first.parse().id != second.parse().id
    assert second.parse().metadata == {"turn": "2"}
    assert client.responses.retrieve(second.parse().id).output_text == first.parse().output_text
    assert [entry.cost_nano > 0 for entry in tenant.ledger(2)] == [True, False]


def test_two_identical_conversations_share_their_answers(client: OpenAI) -> None:
    seen = []
    for _ in range(2):
        first = client.responses.create(model=OPENAI, input="begin alike")
        raw = client.responses.with_raw_response.create(
            model=OPENAI, input="go on alike", previous_response_id=first.id
        )
        seen.append(raw.headers["x-asahi-cache"])
    assert seen == ["miss", "t1"]


def test_a_hit_asked_for_as_a_stream_has_every_event(client: OpenAI) -> None:
    whole = client.responses.create(model=OPENAI, input="hit me")
    events = list(client.responses.create(model=OPENAI, input="hit me", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    for kind in ("created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
                 "output_text.done", "content_part.done", "output_item.done", "completed"):  # fmt: skip
        assert f"response.{kind}" in kinds
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == whole.output_text
    assert last.response.id != whole.id


def test_nothing_is_kept_of_a_response_that_is_not_to_be_stored(client: OpenAI) -> None:
    response = client.responses.create(model=OPENAI, input="forget me", store=False)
    assert response.to_dict()["store"] is False
    answer = client.with_options(max_retries=0)
    with pytest.raises(Exception, match="not found"):
        answer.responses.retrieve(response.id)


def test_a_provider_is_asked_to_keep_nothing(client: OpenAI, simulator: Simulator) -> None:
    first = client.responses.create(model=OPENAI, input="keep nothing")
    upstream = httpx.get(f"{simulator.url}/openai/v1/responses/{first.id}", headers={"authorization": "Bearer x"})
    assert upstream.status_code == 404
