"""A request reaches a model of the other wire whole, or is refused by the name of what cannot be said there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from inference.domain import Wire
from inference.wire.capabilities import LATE_INSTRUCTIONS, REASONING, REASONING_OFF, SAMPLING
from inference.wire.format import format_of
from inference.wire.translate import Untranslatable, to_chat, to_messages
from tests.inference.wire.conversations import PIXEL, chat_requests, messages_requests

ABLE = frozenset({SAMPLING, REASONING, REASONING_OFF})
USER = {"role": "user", "content": "Why is the sky blue?"}
ASSISTANT = {"role": "assistant", "content": "Scattering."}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def messages_of(accepted: frozenset[str] = ABLE, /, **fields: Any) -> dict[str, Any] | Untranslatable:
    body = {"model": "claude-haiku-5-5", "messages": [USER], **fields}
    return to_messages(body, accepted=accepted, default_max_tokens=4096)


def chat_of(accepted: frozenset[str] = ABLE, /, **fields: Any) -> dict[str, Any] | Untranslatable:
    body = {"model": "gpt-6-luna", "max_tokens": 64, "messages": [USER], **fields}
    return to_chat(body, accepted=accepted)


def said(translated: dict[str, Any] | Untranslatable) -> dict[str, Any]:
    assert not isinstance(translated, Untranslatable), translated
    return translated


@given(chat_requests())
def test_a_chat_request_comes_back_from_messages_unchanged(body: dict[str, Any]) -> None:
    there = said(to_messages(body, accepted=ABLE, default_max_tokens=4096))
    assert format_of(Wire.MESSAGES).check(there) is None
    assert to_chat(there, accepted=ABLE) == body


@given(messages_requests())
def test_a_messages_request_comes_back_from_chat_unchanged(body: dict[str, Any]) -> None:
    there = said(to_chat(body, accepted=ABLE))
    assert format_of(Wire.CHAT).check(there) is None
    assert to_messages(there, accepted=ABLE, default_max_tokens=4096) == body


@given(chat_requests())
def test_translation_leaves_the_request_itself_alone(body: dict[str, Any]) -> None:
    before = msgspec.json.encode(body)
    to_messages(body, accepted=ABLE, default_max_tokens=4096)
    assert msgspec.json.encode(body) == before


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"seed": 7}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"temperature": 1.5}, "temperature"),
        ({"store": True}, "store"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"web_search_options": {"search_context_size": "low"}}, "web_search_options"),
        ({"a_field_of_next_year": 1}, "a_field_of_next_year"),
        ({"reasoning_effort": "minimal"}, "reasoning_effort"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice.type"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
            "tool_choice.allowed_tools.tools",
        ),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "f", "x": 1}}]}, "tools[0].function.x"),
        ({"messages": [{**USER, "name": "Ada"}]}, "messages[0].name"),
        ({"messages": [USER, ASSISTANT]}, "messages[1].role"),
        ({"messages": [{"role": "system", "content": "Be kind."}]}, "messages"),
        ({"messages": [USER, ASSISTANT, {"role": "system", "content": "x"}, USER]}, "messages[2].role"),
        ({"messages": [{"role": "function", "name": "f", "content": "4"}, USER]}, "messages[0].role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "messages[0].content[0].type",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "https://e.com", "detail": "low"}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.detail",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:image/tiff;base64,x"}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
            "messages[0].content[0].file.file_id",
        ),
        (
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "oops"}}],
                    },
                    {"role": "tool", "tool_call_id": "a", "content": "4"},
                ]
            },
            "messages[1].tool_calls[0].function.arguments",
        ),
    ],
)
def test_what_messages_cannot_say_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    refusal = messages_of(**fields)
    assert isinstance(refusal, Untranslatable)
    assert refusal.param == param
    assert f"'{param}'" in refusal.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"top_k": 5}, "top_k"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop_sequences": list("abcde")}, "stop_sequences"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, "thinking.type"),
        ({"thinking": {"type": "between_tools"}}, "thinking.type"),
        ({"speed": "fast"}, "speed"),
        ({"container": "c"}, "container"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"metadata": {"user_id": "u", "team": "t"}}, "metadata.team"),
        ({"output_config": {"new": 1}}, "output_config.new"),
        ({"tools": [{"type": "web_search_20260318", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"name": "f", "input_schema": SCHEMA, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"a_field_of_next_year": 1}, "a_field_of_next_year"),
        ({"messages": [USER, ASSISTANT]}, "messages[1].role"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}
                ]
            },
            "messages[0].content[0].source.type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "search_result", "source": "s"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "a"}, {"type": "tool_result", "tool_use_id": "t"}],
                    }
                ]
            },
            "messages[0].content[1]",
        ),
    ],
)
def test_what_chat_cannot_say_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    refusal = chat_of(**fields)
    assert isinstance(refusal, Untranslatable)
    assert refusal.param == param
    assert f"'{param}'" in refusal.message


@pytest.mark.parametrize(
    "neutral",
    [
        {"n": 1, "temperature": 1, "top_p": 1.0, "presence_penalty": 0, "frequency_penalty": 0.0},
        {"logprobs": False, "logit_bias": {}, "stop": None, "seed": None, "store": False, "metadata": {"a": "b"}},
        {"prediction": {"type": "content", "content": "Scattering."}, "function_call": "none"},
        {"response_format": {"type": "text"}, "modalities": ["text"], "verbosity": "medium"},
        {"prompt_cache_key": "k", "stream_options": {"include_usage": True}, "service_tier": "auto"},
        {"tools": [], "tool_choice": "none", "parallel_tool_calls": True},
    ],
)
def test_what_says_nothing_is_not_refused(neutral: dict[str, Any]) -> None:
    assert said(messages_of(frozenset(), **neutral)) == said(messages_of(frozenset()))


def test_the_output_limit_that_messages_require_has_a_default() -> None:
    assert said(messages_of())["max_tokens"] == 4096
    assert said(messages_of(max_tokens=9))["max_tokens"] == 9


def test_the_output_limit_has_the_name_that_a_provider_knows() -> None:
    body = {"model": "mistral", "max_tokens": 64, "messages": [USER]}
    assert said(to_chat(body, accepted=ABLE, limit_field="max_tokens"))["max_tokens"] == 64


def test_sampling_is_refused_by_name_where_a_model_takes_none() -> None:
    refusal = messages_of(frozenset(), temperature=0)
    assert isinstance(refusal, Untranslatable)
    assert refusal.param == "temperature"


def test_effort_becomes_adaptive_thinking_whose_text_is_not_asked_for() -> None:
    there = said(messages_of(reasoning_effort="high"))
    assert there["thinking"] == {"type": "adaptive", "display": "omitted"}
    assert there["output_config"] == {"effort": "high"}


def test_a_forced_call_goes_without_thinking_which_excludes_it() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    there = said(messages_of(reasoning_effort="high", tools=tools, tool_choice="required"))
    assert "thinking" not in there
    assert there["output_config"] == {"effort": "high"}


@pytest.mark.parametrize(
    ("accepted", "effort"), [(frozenset({REASONING, REASONING_OFF}), "none"), (frozenset[str](), None)]
)
def test_disabled_thinking_is_said_to_models_that_reason(accepted: frozenset[str], effort: str | None) -> None:
    assert said(chat_of(accepted, thinking={"type": "disabled"})).get("reasoning_effort") == effort


def test_disabled_thinking_is_refused_where_reasoning_cannot_be_switched_off() -> None:
    assert isinstance(chat_of(frozenset({REASONING}), thinking={"type": "disabled"}), Untranslatable)
    assert isinstance(chat_of(frozenset(), thinking={"type": "adaptive"}), Untranslatable)


def test_instructions_keep_their_order_in_the_system_prompt() -> None:
    system = {"role": "system", "content": "Be kind."}
    developer = {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}
    assert said(messages_of(messages=[system, developer, USER]))["system"] == [
        {"type": "text", "text": "Be kind."},
        {"type": "text", "text": "Be brief."},
    ]


def test_later_instructions_stay_in_their_place_where_a_model_takes_them() -> None:
    turns = [USER, {"role": "developer", "content": "From now on, French."}]
    there = said(messages_of(frozenset({LATE_INSTRUCTIONS}), messages=turns))
    assert there["messages"] == [USER, {"role": "system", "content": "From now on, French."}]
    again = [*turns, {"role": "system", "content": "And briefly."}]
    blocks = [{"type": "text", "text": text} for text in ("From now on, French.", "And briefly.")]
    there = said(messages_of(frozenset({LATE_INSTRUCTIONS}), messages=again))
    assert there["messages"] == [USER, {"role": "system", "content": blocks}]


def test_results_of_parallel_calls_are_returned_together() -> None:
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": ""}} for one in ("a", "b")]
    results = [{"role": "tool", "tool_call_id": one, "content": "4"} for one in ("a", "b")]
    there = said(messages_of(messages=[USER, {"role": "assistant", "content": "", "tool_calls": calls}, *results]))
    assert there["messages"][1]["content"] == [
        {"type": "tool_use", "id": one, "name": "f", "input": {}} for one in ("a", "b")
    ]
    assert there["messages"][2] == {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": one, "content": "4"} for one in ("a", "b")],
    }


def test_a_failed_tool_call_is_said_to_have_failed() -> None:
    result = {"type": "tool_result", "tool_use_id": "a", "content": "no such city", "is_error": True}
    there = said(chat_of(messages=[USER, {"role": "user", "content": [result, {"type": "text", "text": "Well?"}]}]))
    assert there["messages"][1:] == [
        {"role": "tool", "tool_call_id": "a", "content": "Error: no such city"},
        {"role": "user", "content": [{"type": "text", "text": "Well?"}]},
    ]


def test_images_of_a_tool_result_are_shown_after_it() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    results = [
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "A map."}, image]},
        {"type": "tool_result", "tool_use_id": "b", "content": [image], "is_error": True},
    ]
    there = said(chat_of(messages=[USER, {"role": "user", "content": [*results, {"type": "text", "text": "Well?"}]}]))
    shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    assert there["messages"][1:] == [
        {"role": "tool", "tool_call_id": "a", "content": "A map."},
        {"role": "tool", "tool_call_id": "b", "content": "Error: Shown below as that of b."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "From the result of a:"},
                shown,
                {"type": "text", "text": "From the result of b:"},
                shown,
                {"type": "text", "text": "Well?"},
            ],
        },
    ]


def test_tools_that_are_not_allowed_are_not_offered() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
    allowed = {"mode": "required", "tools": [tools[1]]}
    there = said(messages_of(tools=tools, tool_choice={"type": "allowed_tools", "allowed_tools": allowed}))
    assert [tool["name"] for tool in there["tools"]] == ["g"]
    assert there["tool_choice"] == {"type": "any"}


def test_the_notes_another_model_wrote_for_itself_end_at_the_border() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    blocks = [thought, {"type": "text", "text": "Scattering."}]
    there = said(chat_of(messages=[USER, {"role": "assistant", "content": blocks}, USER]))
    assert there["messages"] == [USER, ASSISTANT, USER]


def test_images_travel_inline_and_by_address() -> None:
    data_url = f"data:image/png;base64,{PIXEL}"
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in (data_url, "https://e.com/a.png")]
    (turn,) = said(messages_of(messages=[{"role": "user", "content": parts}]))["messages"]
    assert [block["source"] for block in turn["content"]] == [
        {"type": "base64", "media_type": "image/png", "data": PIXEL},
        {"type": "url", "url": "https://e.com/a.png"},
    ]


def test_a_cache_breakpoint_is_marked_where_it_can_be() -> None:
    part = {"type": "text", "text": "Long.", "prompt_cache_breakpoint": {"mode": "explicit"}}
    (turn,) = said(messages_of(messages=[{"role": "user", "content": [part]}]))["messages"]
    assert turn["content"] == [{"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}]


def test_of_many_cache_breakpoints_the_latest_are_marked() -> None:
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    parts = [{"type": "text", "text": str(number), **mark} for number in range(6)]
    there = said(
        messages_of(messages=[{"role": "system", "content": parts[:3]}, {"role": "user", "content": parts[3:]}])
    )
    blocks = [*there["system"], *there["messages"][0]["content"]]
    assert [block["text"] for block in blocks if "cache_control" in block] == ["2", "3", "4", "5"]


def test_adaptive_thinking_is_asked_for_by_name() -> None:
    assert said(chat_of(thinking={"type": "adaptive"}))["reasoning_effort"] == "medium"
    assert said(chat_of(thinking={"type": "adaptive"}, output_config={"effort": "low"}))["reasoning_effort"] == "low"


def test_a_schema_keeps_its_name_as_its_title() -> None:
    described = {"name": "weather", "description": "Today's.", "schema": SCHEMA, "strict": True}
    there = said(messages_of(response_format={"type": "json_schema", "json_schema": described}))
    assert there["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {"title": "weather", "description": "Today's.", **SCHEMA},
    }


def test_json_mode_for_claude_is_refused_with_the_way_out() -> None:
    body = {"messages": [{"role": "user", "content": "JSON"}], "response_format": {"type": "json_object"}}
    there = to_messages(body, accepted=(), default_max_tokens=64)
    assert isinstance(there, Untranslatable)
    assert there.param == "response_format.type"
    assert "json_schema" in there.message
    assert "JSON mode" in there.message
