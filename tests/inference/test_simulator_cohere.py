"""The official Cohere SDK against the simulated chat and embeddings."""

from __future__ import annotations

import json
import math
from typing import Any

import cohere
import httpx
import pytest
from cohere.errors import BadRequestError, NotFoundError, UnauthorizedError, UnprocessableEntityError

from tests.inference.simulator_process import KEY, RunningSimulator

MODEL = "command-a-03-2025"
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string"}},
            "required": ["location"],
        },
    },
}


def embed(client: cohere.ClientV2, texts: list[str], **more: Any) -> Any:
    return client.embed(**{"model": "embed-v4.0", "input_type": "search_query", "texts": texts} | more)


def test_an_answer_speaks_of_the_question_and_says_that_it_is_simulated(cohere_client: cohere.ClientV2) -> None:
    answer = cohere_client.chat(model=MODEL, messages=QUESTION)

    assert answer.finish_reason == "COMPLETE"
    text = answer.message.content[0].text
    assert "France" in text
    assert "simulated" in text.lower()
    assert answer.usage.tokens == cohere.UsageTokens(
        input_tokens=answer.usage.billed_units.input_tokens, output_tokens=answer.usage.billed_units.output_tokens
    )


def test_a_stream_says_the_same_as_a_whole_answer(cohere_client: cohere.ClientV2) -> None:
    whole = cohere_client.chat(model=MODEL, messages=QUESTION)
    events = list(cohere_client.chat_stream(model=MODEL, messages=QUESTION))

    pieces = [event.delta.message.content.text for event in events if event.type == "content-delta"]
    assert "".join(pieces) == whole.message.content[0].text
    assert [event.type for event in events if event.type != "content-delta"] == [
        "message-start",
        "content-start",
        "content-end",
        "message-end",
    ]
    assert events[-1].delta.finish_reason == "COMPLETE"
    assert events[-1].delta.usage == whole.usage


def test_a_tool_is_called_whole_and_streamed(cohere_client: cohere.ClientV2) -> None:
    request: Any = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Use get_weather for Paris"}],
        "tools": [WEATHER],
    }
    whole = cohere_client.chat(**request)
    events = list(cohere_client.chat_stream(**request))

    [call] = whole.message.tool_calls
    assert whole.finish_reason == "TOOL_CALL"
    assert json.loads(call.function.arguments) == {"location": "Paris"}
    pieces = [event.delta.message.tool_calls.function.arguments for event in events if event.type == "tool-call-delta"]
    assert "".join(pieces) == call.function.arguments
    assert events[-1].delta.finish_reason == "TOOL_CALL"


def test_json_of_a_schema_is_given(cohere_client: cohere.ClientV2) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    answer = cohere_client.chat(
        model=MODEL, messages=QUESTION, response_format={"type": "json_object", "json_schema": schema}
    )

    assert json.loads(answer.message.content[0].text) == {"city": "France"}


def test_a_limited_answer_says_so(cohere_client: cohere.ClientV2) -> None:
    answer = cohere_client.chat(model=MODEL, messages=QUESTION, max_tokens=5)

    assert answer.finish_reason == "MAX_TOKENS"
    assert answer.usage.tokens.output_tokens == 5


def test_embeddings_are_unit_vectors_that_depend_on_the_text_alone(cohere_client: cohere.ClientV2) -> None:
    first = embed(cohere_client, ["a red house", "a tax form"]).embeddings.float_
    second = embed(cohere_client, ["a tax form"]).embeddings.float_

    assert [len(vector) for vector in first] == [1536, 1536]
    assert all(math.isclose(math.fsum(x * x for x in vector), 1, rel_tol=1e-6) for vector in first)
    assert first[1] == second[0]
    assert first[0] != first[1]


@pytest.mark.parametrize(("kind", "length", "low", "high"), [
    ("int8", 256, -128, 127),
    ("uint8", 256, 0, 255),
    ("binary", 32, -128, 127),
    ("ubinary", 32, 0, 255),
])  # fmt: skip
def test_embeddings_come_in_every_type(
    cohere_client: cohere.ClientV2, kind: str, length: int, low: int, high: int
) -> None:
    answer = embed(cohere_client, ["hello"], embedding_types=[kind, "float"], output_dimension=256)

    [vector] = getattr(answer.embeddings, kind)
    assert len(vector) == length
    assert all(low <= value <= high for value in vector)
    assert len(answer.embeddings.float_[0]) == 256
    assert answer.meta.billed_units.input_tokens == 1


def test_version_1_gives_plain_lists(simulator: RunningSimulator) -> None:
    with cohere.Client(base_url=f"{simulator.url}/cohere", api_key=KEY, timeout=20) as client:
        answer = client.embed(model="embed-english-v3.0", texts=["hello"], input_type="search_document")

    assert answer.response_type == "embeddings_floats"
    assert len(answer.embeddings[0]) == 1024


def test_models_are_listed_by_endpoint(simulator: RunningSimulator) -> None:
    with cohere.Client(base_url=f"{simulator.url}/cohere", api_key=KEY, timeout=20) as client:
        chat = {model.name for model in client.models.list(endpoint="chat").models}
        embedding = {model.name for model in client.models.list(endpoint="embed").models}

    assert MODEL in chat
    assert "embed-v4.0" in embedding
    assert not chat & embedding


CHAT = {"model": MODEL, "messages": QUESTION}
EMBED = {"model": "embed-v4.0", "texts": ["x"], "input_type": "search_query"}
REFUSED: list[tuple[str, str, dict[str, Any], int]] = [
    ("chat without a model", "/v2/chat", {"messages": QUESTION}, 400),
    ("chat without messages", "/v2/chat", {"model": MODEL}, 400),
    ("no messages", "/v2/chat", CHAT | {"messages": []}, 400),
    ("an unknown role", "/v2/chat", CHAT | {"messages": [{"role": "developer", "content": "x"}]}, 400),
    ("an empty question", "/v2/chat", CHAT | {"messages": [{"role": "user", "content": ""}]}, 400),
    ("an unknown field", "/v2/chat", CHAT | {"n": 2}, 422),
    ("a wrong type", "/v2/chat", CHAT | {"max_tokens": "5"}, 400),
    (
        "a tool message without an id",
        "/v2/chat",
        CHAT | {"messages": [*QUESTION, {"role": "tool", "content": "x"}]},
        400,
    ),
    ("a tool choice without tools", "/v2/chat", CHAT | {"tool_choice": "REQUIRED"}, 400),
    ("an unknown chat model", "/v2/chat", CHAT | {"model": "gpt-6-luna"}, 404),
    ("embedding nothing", "/v2/embed", {"model": "embed-v4.0", "input_type": "search_query"}, 400),
    ("embedding without an input type", "/v2/embed", {"model": "embed-v4.0", "texts": ["x"]}, 400),
    ("embedding too many texts", "/v2/embed", EMBED | {"texts": ["x"] * 97}, 400),
    ("an unknown dimension", "/v2/embed", EMBED | {"output_dimension": 300}, 400),
    ("an unknown embedding type", "/v2/embed", EMBED | {"embedding_types": ["double"]}, 400),
    ("an unknown embedding model", "/v2/embed", EMBED | {"model": MODEL}, 404),
    ("a field of version 2", "/v1/embed", EMBED | {"output_dimension": 256}, 422),
]


@pytest.mark.parametrize(("path", "body", "status"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_it_is_refused(simulator: RunningSimulator, path: str, body: dict[str, Any], status: int) -> None:
    response = httpx.post(f"{simulator.url}/cohere{path}", headers={"authorization": f"Bearer {KEY}"}, json=body)

    assert response.status_code == status
    assert set(response.json()) == {"id", "message"}


def test_the_sdk_raises_its_own_errors(simulator: RunningSimulator, cohere_client: cohere.ClientV2) -> None:
    with pytest.raises(NotFoundError):
        cohere_client.chat(model="gpt-6-luna", messages=QUESTION)
    with pytest.raises(BadRequestError):
        cohere_client.chat(model=MODEL, messages=[])
    with pytest.raises(UnprocessableEntityError):
        cohere_client.chat(**CHAT, request_options={"additional_body_parameters": {"n": 2}})
    with (
        cohere.ClientV2(base_url=f"{simulator.url}/cohere", api_key="", timeout=20) as client,
        pytest.raises(UnauthorizedError),
    ):
        client.chat(model=MODEL, messages=QUESTION)
