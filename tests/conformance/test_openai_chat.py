"""The official `openai` client, asking for whole chat completions."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from tests.conformance.examples import PDF, PNG, WAV, function
from tests.served import Tenant

LUNA = "gpt-6-luna"


def ask(gpt: openai.OpenAI, content: Any = "Tell me about the sea", **fields: Any) -> ChatCompletion:
    fields = {"model": LUNA, "max_completion_tokens": 400, **fields}
    return gpt.chat.completions.create(messages=[{"role": "user", "content": content}], **fields)


def test_a_completion_arrives_whole_and_typed(gpt: openai.OpenAI) -> None:
    answer = ask(gpt)
    assert (answer.object, answer.model) == ("chat.completion", LUNA)
    choice = answer.choices[0]
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_the_automatic_model_answers_with_the_model_it_chose(gpt: openai.OpenAI) -> None:
    raw = gpt.chat.completions.with_raw_response.create(
        model="asahi", messages=[{"role": "user", "content": "Which model are you?"}]
    )
    assert raw.parse().choices[0].message.content
    assert raw.headers["x-asahi-model"] != "asahi"
    assert raw.headers["x-asahi-routing-reason"]


@pytest.mark.parametrize("model", ["claude-haiku-5-5", "command-a", "gpt-4o"])
def test_models_of_other_makers_answer_the_same_client(gpt: openai.OpenAI, model: str) -> None:
    answer = gpt.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}], max_tokens=200)
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0


def test_instructions_names_and_earlier_turns_are_accepted(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(
        model=LUNA,
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "content": "My name is Ada.", "name": "ada"},
            {"role": "assistant", "content": [{"type": "text", "text": "Hello Ada."}], "name": "helper"},
            {"role": "user", "content": [{"type": "text", "text": "And yours?"}, {"type": "text", "text": "Briefly."}]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "I would rather not say."}]},
            {"role": "user", "content": "Why not?"},
        ],
    )
    assert answer.choices[0].message.content


def test_several_choices_differ(gpt: openai.OpenAI) -> None:
    answer = ask(gpt, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3


def test_an_answer_stops_at_its_limit_and_at_a_stop_sequence(gpt: openai.OpenAI) -> None:
    assert ask(gpt, max_completion_tokens=3).choices[0].finish_reason == "length"
    whole = ask(gpt).choices[0].message.content or ""
    stop = whole.split()[3]
    shorter = ask(gpt, stop=[stop]).choices[0]
    assert shorter.finish_reason == "stop"
    assert shorter.message.content == whole[: whole.index(stop)]


def test_logprobs_come_with_every_token(gpt: openai.OpenAI) -> None:
    choice = ask(gpt, logprobs=True, top_logprobs=2, model="gpt-4o").choices[0]
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert "".join(entry.token for entry in choice.logprobs.content) == choice.message.content
    assert all(len(entry.top_logprobs) == 2 for entry in choice.logprobs.content)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/sea.png"}},
        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        {"type": "file", "file": {"filename": "sea.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
    ],
    ids=["image", "image-url", "audio", "file"],
)
def test_pictures_sounds_and_files_are_taken_beside_text(gpt: openai.OpenAI, part: dict[str, Any]) -> None:
    plain = ask(gpt, [{"type": "text", "text": "What is this?"}])
    answer = ask(gpt, [{"type": "text", "text": "What is this?"}, part])
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert plain.usage is not None
    assert answer.usage.prompt_tokens > plain.usage.prompt_tokens, "what was attached reached the model"


@pytest.mark.parametrize(
    "field",
    [
        {"seed": 7}, {"temperature": 0.2, "top_p": 0.9}, {"frequency_penalty": 0.5, "presence_penalty": -0.5},
        {"logit_bias": {"50256": -100}}, {"reasoning_effort": "high"}, {"verbosity": "low"}, {"user": "ada"},
        {"metadata": {"project": "sea"}}, {"store": False}, {"safety_identifier": "ada-1"}, {"service_tier": "flex"},
        {"prompt_cache_key": "sea", "prompt_cache_retention": "24h"}, {"prompt_cache_options": {"mode": "explicit"}},
        {"prediction": {"type": "content", "content": "The sea is wide."}}, {"modalities": ["text"]},
        {"web_search_options": {"search_context_size": "low"}}, {"response_format": {"type": "text"}},
        {"tools": [function("get_weather")], "parallel_tool_calls": False}, {"max_tokens": 90},
        {"extra_body": {"moderation": {"type": "auto"}}},
    ],
    ids="-".join,
)  # fmt: skip
def test_every_parameter_of_the_client_is_accepted(gpt: openai.OpenAI, field: dict[str, Any]) -> None:
    limit = {} if "max_tokens" in field else {"max_completion_tokens": 300}
    answer = gpt.chat.completions.create(model=LUNA, messages=[{"role": "user", "content": "Hi"}], **limit, **field)
    assert answer.choices[0].message.content


def test_reasoning_is_counted(gpt: openai.OpenAI) -> None:
    usage = ask(gpt, reasoning_effort="high").usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert (usage.completion_tokens_details.reasoning_tokens or 0) > 0


def test_a_long_prompt_repeated_is_read_from_the_provider_s_cache(gpt: openai.OpenAI) -> None:
    prompt = "The sea is wide and deep, and the ships upon it are many. " * 200
    ask(gpt, prompt + "How wide?")
    usage = ask(gpt, prompt + "How deep?").usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert (usage.prompt_tokens_details.cached_tokens or 0) > 1000


def test_a_repeat_comes_from_asahi_s_cache_with_the_same_id(gpt: openai.OpenAI, tenant: Tenant) -> None:
    messages: Any = [{"role": "user", "content": "Tell me once"}]
    first = gpt.chat.completions.with_raw_response.create(model=LUNA, messages=messages)
    second = gpt.chat.completions.with_raw_response.create(model=LUNA, messages=messages)
    assert (first.headers["x-asahi-cache"], second.headers["x-asahi-cache"]) == ("miss", "t1")
    assert second.parse().choices == first.parse().choices
    assert tenant.ledger(2)[1].cost_nano == 0


def test_controls_travel_as_extra_headers(gpt: openai.OpenAI, tenant: Tenant) -> None:
    headers = {"x-asahi-cache": "off", "x-asahi-tags": "sea,ships", "x-asahi-user": "ada"}
    for _ in range(2):
        raw = gpt.chat.completions.with_raw_response.create(
            model=LUNA, messages=[{"role": "user", "content": "Never kept"}], extra_headers=headers
        )
        assert raw.headers["x-asahi-cache"] == "miss"
    entry = tenant.ledger(2)[0]
    assert (sorted(entry.tags), entry.end_user) == (["sea", "ships"], "ada")


def test_binary_text_survives_the_way_there_and_back(gpt: openai.OpenAI, simulator: Any) -> None:
    odd = 'Grüße, 世界 🌍 \u0000? "quoted" \\ back\u2028slash ' + base64.b64encode(bytes(range(64))).decode()
    simulator.record(LUNA, odd, odd)
    assert ask(gpt, odd).choices[0].message.content == odd
