"""The official `openai` client, asking for answers in a shape of the caller's own."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.conformance.examples import CITY_SCHEMA, City, Weather

MODELS = ("gpt-6-luna", "claude-haiku-5-5")


class Trip(BaseModel):
    """Nested, with a list, an optional and a choice."""

    stops: list[City]
    first: Weather
    note: str | None


def asked(prompt: str, model: str = MODELS[0], **fields: Any) -> Any:
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **fields}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("shape", [Weather, Trip])
def test_an_answer_is_parsed_into_the_caller_s_model(gpt: openai.OpenAI, model: str, shape: type[BaseModel]) -> None:
    answer = gpt.chat.completions.parse(**asked("Weather on the trip", model), response_format=shape)
    assert isinstance(answer.choices[0].message.parsed, shape)


@pytest.mark.parametrize("model", MODELS)
def test_a_streamed_answer_is_parsed_when_it_ends(gpt: openai.OpenAI, model: str) -> None:
    with gpt.chat.completions.stream(**asked("Weather in Oslo", model), response_format=Weather) as stream:
        done = [event for event in stream if event.type == "content.done"]
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Weather)
    assert done[0].parsed == final.choices[0].message.parsed


@pytest.mark.parametrize("strict", [True, False])
def test_a_schema_by_hand_is_kept_to(gpt: openai.OpenAI, strict: bool) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY_SCHEMA, "strict": strict}}
    answer = gpt.chat.completions.create(**asked(f"A city, {strict}", response_format=wanted))
    assert set(json.loads(answer.choices[0].message.content or "")) == {"city"}


def test_a_json_object_is_json(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(**asked("Answer in json", response_format={"type": "json_object"}))
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


def test_an_answer_cut_short_is_not_parsed(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        gpt.chat.completions.parse(**asked("Weather", max_completion_tokens=2), response_format=Weather)


def test_a_schema_the_provider_refuses_is_refused_in_its_words(gpt: openai.OpenAI) -> None:
    loose: Any = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"type": "array"}}}
    with pytest.raises(openai.BadRequestError) as raised:
        gpt.chat.completions.create(**asked("No", response_format=loose))
    assert raised.value.param == "response_format"
