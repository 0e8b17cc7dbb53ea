"""The official `openai` client over the responses API."""

from __future__ import annotations

import json
import time
from typing import Any

import openai
import pytest

from tests.conformance.examples import CITY_SCHEMA, PDF, PNG, City, Weather
from tests.served import Simulator, Tenant

MODEL = "gpt-5.4-mini"
MODELS = (MODEL, "claude-sonnet-5-5")


def function(name: str) -> dict[str, Any]:
    """A tool as the responses API describes one."""
    described = {"name": name, "description": f"{name} of a city", "parameters": CITY_SCHEMA, "strict": True}
    return {"type": "function", **described}


def ask(gpt: openai.OpenAI, content: Any = "Tell me about the sea", **fields: Any) -> Any:
    return gpt.responses.create(**{"model": MODEL, "input": content, **fields})


@pytest.mark.parametrize("model", [*MODELS, "asahi"])
def test_a_response_arrives_whole_and_typed(gpt: openai.OpenAI, tenant: Tenant, model: str) -> None:
    answer = ask(gpt, model=model, instructions="Be brief.", max_output_tokens=400)
    assert (answer.object, answer.status, answer.error) == ("response", "completed", None)
    assert answer.id.startswith("resp_")
    assert answer.output_text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert tenant.ledger(1)[0].output_tokens == answer.usage.output_tokens


def test_an_answer_that_reaches_its_limit_is_incomplete(gpt: openai.OpenAI) -> None:
    answer = ask(gpt, max_output_tokens=16)
    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"


def test_turns_roles_and_parts_are_accepted(gpt: openai.OpenAI) -> None:
    turns = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "My name is Ada."}]},
        {"role": "assistant", "content": "Hello Ada."},
        {"type": "message", "role": "user", "content": "And yours?"},
    ]
    assert ask(gpt, turns).output_text


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"},
        {"type": "input_file", "filename": "sea.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
    ],
    ids=["image", "file"],
)
def test_pictures_and_files_are_taken_beside_text(gpt: openai.OpenAI, model: str, part: dict[str, Any]) -> None:
    question = {"type": "input_text", "text": "What is this?"}
    plain = ask(gpt, [{"role": "user", "content": [question]}], model=model)
    shown = ask(gpt, [{"role": "user", "content": [question, part]}], model=model)
    assert shown.output_text
    assert shown.usage.input_tokens > plain.usage.input_tokens, "what was attached reached the model"


@pytest.mark.parametrize(
    "field",
    [
        {"metadata": {"project": "sea"}}, {"store": False}, {"temperature": 0.5, "model": "gpt-4o"}, {"top_p": 0.9},
        {"reasoning": {"effort": "low"}}, {"text": {"verbosity": "low"}}, {"truncation": "auto"}, {"user": "ada"},
        {"service_tier": "flex"}, {"safety_identifier": "ada-1"}, {"prompt_cache_key": "sea"},
        {"include": ["reasoning.encrypted_content"]}, {"text": {"format": {"type": "text"}}},
        {"parallel_tool_calls": False, "tools": [function("get_weather")]},
    ],
    ids="-".join,
)  # fmt: skip
def test_every_parameter_of_the_client_is_accepted(gpt: openai.OpenAI, field: dict[str, Any]) -> None:
    assert ask(gpt, **field).output_text


@pytest.mark.parametrize("model", MODELS)
def test_tools_are_called_in_parallel_answered_and_talked_about(gpt: openai.OpenAI, model: str) -> None:
    tools = [function("get_weather"), function("get_time")]
    turns: list[Any] = [{"role": "user", "content": "get_weather and get_time for Oslo"}]
    asked = ask(gpt, turns, model=model, tools=tools)
    calls = [item for item in asked.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather", "get_time"]
    assert all(isinstance(json.loads(call.arguments)["city"], str) for call in calls)
    turns += asked.output
    turns += [{"type": "function_call_output", "call_id": call.call_id, "output": "21"} for call in calls]
    assert ask(gpt, turns, model=model, tools=tools).output_text


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("required", ["get_weather"]), ("none", []), ({"type": "function", "name": "get_time"}, ["get_time"])],
    ids=["required", "none", "named"],
)
def test_the_caller_s_choice_of_tools_holds(gpt: openai.OpenAI, choice: Any, expected: list[str]) -> None:
    answer = ask(gpt, "Hello there", tools=[function("get_weather"), function("get_time")], tool_choice=choice)
    assert [item.name for item in answer.output if item.type == "function_call"] == expected


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_is_parsed_into_the_caller_s_model(gpt: openai.OpenAI, model: str) -> None:
    answer = gpt.responses.parse(model=model, input="Weather in Oslo", text_format=Weather)
    assert isinstance(answer.output_parsed, Weather)


def test_parsed_tools_give_the_caller_s_own_types(gpt: openai.OpenAI) -> None:
    tool = openai.pydantic_function_tool(City)
    flat: Any = {"type": "function", **tool["function"]}
    answer = gpt.responses.parse(model=MODEL, input="City", tools=[flat], tool_choice="required")
    assert answer.output[-1].type == "function_call"


def test_a_conversation_goes_on_from_an_earlier_response(gpt: openai.OpenAI) -> None:
    first = ask(gpt, "My name is Ada.")
    second = ask(gpt, "What is my name?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > first.usage.input_tokens + first.usage.output_tokens


def test_a_stored_response_is_retrieved_listed_and_deleted(gpt: openai.OpenAI) -> None:
    made = ask(gpt, [{"role": "user", "content": "Keep this"}])
    kept = gpt.responses.retrieve(made.id)
    assert kept.output_text == made.output_text
    [item] = list(gpt.responses.input_items.list(made.id))
    assert (item.type, item.content[0].text) == ("message", "Keep this")
    gpt.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        gpt.responses.retrieve(made.id)


def test_a_response_that_was_not_stored_is_not_found(gpt: openai.OpenAI) -> None:
    made = ask(gpt, store=False)
    assert made.output_text
    with pytest.raises(openai.NotFoundError, match=made.id):
        gpt.responses.retrieve(made.id)


def test_a_response_in_the_background_is_waited_for(gpt: openai.OpenAI, worker: None) -> None:
    made = ask(gpt, background=True)
    assert made.status in {"queued", "in_progress", "completed"}
    deadline = time.monotonic() + 20
    while made.status in {"queued", "in_progress"} and time.monotonic() < deadline:
        time.sleep(0.1)
        made = gpt.responses.retrieve(made.id)
    assert made.status == "completed"
    assert made.output_text


def test_a_response_in_the_background_is_cancelled(gpt: openai.OpenAI, worker: None, simulator: Simulator) -> None:
    simulator.faults(latency_ms=8000, times=1)
    made = ask(gpt, "Never mind", background=True)
    assert gpt.responses.cancel(made.id).status == "cancelled"
    assert gpt.responses.retrieve(made.id).status == "cancelled"


def test_an_unknown_model_is_not_found(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        ask(gpt, model="gpt-0")
    assert raised.value.code == "model_not_found"


async def test_the_asynchronous_client_is_answered_too(async_gpt: openai.AsyncOpenAI) -> None:
    assert (await async_gpt.responses.create(model=MODEL, input="Hello")).output_text
    parsed = await async_gpt.responses.parse(model=MODEL, input="Weather", text_format=Weather)
    assert isinstance(parsed.output_parsed, Weather)
