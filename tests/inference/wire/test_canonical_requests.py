"""Two requests are equal for the cache exactly when they must get the same answer."""

from __future__ import annotations

import random
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain import Wire
from inference.wire.format import format_of
from tests.inference.wire.answers import json_values, names, words

chat, messages = format_of(Wire.CHAT), format_of(Wire.MESSAGES)
USER = {"role": "user", "content": "Why?"}
CHAT = {"messages": [USER]}
MESSAGES = {"messages": [USER], "max_tokens": 64}
SCHEMA = {"type": "object", "properties": {"why": {"type": "string"}, "answer": {"type": "string"}}}
SWAPPED = {"type": "object", "properties": {"answer": {"type": "string"}, "why": {"type": "string"}}}

turns = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": words})
settings = st.fixed_dictionaries(
    {"messages": st.lists(turns, min_size=1, max_size=4)},
    optional={
        "temperature": st.sampled_from([0, 0.5, 1, 1.0, 2]),
        "n": st.integers(1, 4),
        "seed": st.integers(0, 5),
        "max_completion_tokens": st.integers(1, 5),
        "stop": words,
        "tools": st.lists(st.fixed_dictionaries({"type": st.just("function"), "function": json_values}), max_size=2),
        "unknown": json_values,
    },
)


def shuffled(value: Any, order: random.Random) -> Any:
    """The same JSON with the keys of every object in another order; schemas excepted, whose order counts."""
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: value[key] if key == "parameters" else shuffled(value[key], order) for key in keys}
    return [shuffled(inner, order) for inner in value] if isinstance(value, list) else value


def meaning(body: dict[str, Any]) -> bytes:
    """What an independent reader would compare: the defaults filled in, numbers by their value."""
    filled = {"n": 1, **body, "temperature": float(body.get("temperature", 1))}
    return msgspec.json.encode(filled, order="deterministic")


@given(settings, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_count(body: dict[str, Any], order: random.Random) -> None:
    assert chat.canonical(shuffled(body, order)) == chat.canonical(body)


@given(settings, settings)
def test_requests_are_equal_exactly_when_they_mean_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (chat.canonical(one) == chat.canonical(other)) is (meaning(one) == meaning(other))


@given(settings, names, json_values)
def test_any_field_that_is_not_known_to_be_harmless_counts(body: dict[str, Any], name: str, value: Any) -> None:
    with_it = {**body, f"x_{name}": value}
    assert chat.canonical(with_it) != chat.canonical(body)


@pytest.mark.parametrize(
    "harmless",
    [
        {"model": "gpt-6-luna"},
        {"stream": True},
        {"stream_options": {"include_usage": True}},
        {"user": "u"},
        {"metadata": {"a": "b"}},
        {"store": True},
        {"safety_identifier": "s"},
        {"service_tier": "flex"},
        {"prompt_cache_key": "k"},
        {"n": 1},
        {"temperature": 1.0},
        {"top_p": 1},
        {"presence_penalty": 0.0},
        {"frequency_penalty": 0},
        {"logprobs": False},
        {"stop": None},
        {"tool_choice": "auto"},
        {"response_format": {"type": "text"}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}]},
        {"messages": [{"content": "Why?", "role": "user"}]},
    ],
)
def test_what_cannot_change_the_answer_does_not_count_for_chat(harmless: dict[str, Any]) -> None:
    assert chat.canonical({**CHAT, **harmless}) == chat.canonical(CHAT)


@pytest.mark.parametrize(
    "telling",
    [
        {"n": 2},
        {"temperature": 0},
        {"temperature": 0.999},
        {"top_p": 0.5},
        {"seed": 1},
        {"seed": 0},
        {"logprobs": True},
        {"max_tokens": 5},
        {"max_completion_tokens": 5},
        {"stop": "x"},
        {"reasoning_effort": "low"},
        {"parallel_tool_calls": False},
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"logit_bias": {"50256": -100}},
        {"verbosity": "low"},
        {"messages": [{"role": "user", "content": "why?"}]},
        {"messages": [{"role": "user", "content": "Why? "}]},
        {"messages": [{"role": "user", "content": "Why?", "name": "Ada"}]},
        {"messages": [{"role": "system", "content": "Why?"}]},
        {"messages": [USER, USER]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Why"}, {"type": "text", "text": "?"}]}]},
    ],
)
def test_what_may_change_the_answer_counts_for_chat(telling: dict[str, Any]) -> None:
    assert chat.canonical({**CHAT, **telling}) != chat.canonical(CHAT)


@pytest.mark.parametrize(
    "harmless",
    [
        {"model": "claude-haiku-5-5"},
        {"stream": True},
        {"metadata": {"user_id": "u"}},
        {"service_tier": "auto"},
        {"cache_control": {"type": "ephemeral"}},
        {"temperature": 1.0},
        {"max_tokens": 64},
        {"tools": []},
        {"tool_choice": {"type": "auto"}},
        {"messages": [{"role": "user", "content": [{"text": "Why?", "type": "text"}]}]},
    ],
)
def test_what_cannot_change_the_answer_does_not_count_for_messages(harmless: dict[str, Any]) -> None:
    assert messages.canonical({**MESSAGES, **harmless}) == messages.canonical(MESSAGES)


@pytest.mark.parametrize(
    "telling",
    [
        {"max_tokens": 65},
        {"system": "Be kind."},
        {"temperature": 0.5},
        {"top_k": 5},
        {"stop_sequences": ["x"]},
        {"thinking": {"type": "adaptive"}},
        {"output_config": {"effort": "low"}},
        {"tools": [{"name": "f", "input_schema": {}}]},
        {"tool_choice": {"type": "any"}},
        {"inference_geo": "eu"},
        {"messages": [{"role": "user", "content": "why?"}]},
    ],
)
def test_what_may_change_the_answer_counts_for_messages(telling: dict[str, Any]) -> None:
    assert messages.canonical({**MESSAGES, **telling}) != messages.canonical(MESSAGES)


def test_a_mark_for_caching_of_anthropics_does_not_count_in_a_chat() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    tool = {"type": "function", "function": {"name": "f"}}
    marked = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Why?", **mark}], **mark}],
        "tools": [{**tool, **mark}],
    }
    assert chat.canonical(marked) == chat.canonical({"messages": [USER], "tools": [tool]})


def test_a_system_prompt_is_the_same_as_text_or_as_one_block() -> None:
    block = [{"type": "text", "text": "Be kind."}]
    assert messages.canonical({**MESSAGES, "system": block}) == messages.canonical({**MESSAGES, "system": "Be kind."})


def test_the_order_of_properties_in_a_schema_counts_because_the_model_answers_in_it() -> None:
    def formatted(schema: dict[str, Any]) -> bytes:
        response_format = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
        return chat.canonical({**CHAT, "response_format": response_format})

    def tooled(schema: dict[str, Any]) -> bytes:
        tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
        return chat.canonical({**CHAT, "tools": tools})

    def configured(schema: dict[str, Any]) -> bytes:
        output_config = {"format": {"type": "json_schema", "schema": schema}}
        return messages.canonical({**MESSAGES, "output_config": output_config})

    for canonical in (formatted, tooled, configured):
        assert canonical(SCHEMA) != canonical(SWAPPED)


def test_text_is_taken_as_the_model_sees_it() -> None:
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    assert chat.canonical({"messages": [{"role": "user", "content": composed}]}) != chat.canonical(
        {"messages": [{"role": "user", "content": decomposed}]}
    )


def test_the_request_itself_is_not_changed() -> None:
    body = {**CHAT, "messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}], "temperature": 1.0}
    before = msgspec.json.encode(body)
    chat.canonical(body)
    assert msgspec.json.encode(body) == before
