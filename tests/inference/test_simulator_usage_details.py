"""What usage tells beside plain tokens: sound, reasoning, tiers and searches; told and entered alike."""

from __future__ import annotations

import base64
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.inference.simulator_process import KEY, RunningSimulator

MODEL = "gpt-6-luna"
VOICE = "gpt-audio"
CLAUDE = "claude-haiku-5-5"
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]
SPOKEN: Any = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
SEARCH: Any = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}


def heard(data: bytes) -> Any:
    sound = {"data": base64.b64encode(data).decode(), "format": "wav"}
    return [
        {"role": "user", "content": [{"type": "text", "text": "Hm?"}, {"type": "input_audio", "input_audio": sound}]}
    ]


def say(client: openai.OpenAI, messages: Any = QUESTION, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": MODEL, "messages": messages} | more)


def test_sound_in_the_prompt_is_counted_as_such(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    short = say(openai_client, heard(bytes(300)), model=VOICE).usage
    long = say(openai_client, heard(bytes(3000)), model=VOICE).usage

    assert 0 < short.prompt_tokens_details.audio_tokens < long.prompt_tokens_details.audio_tokens < long.prompt_tokens
    assert [call["audio_input_tokens"] for call in simulator.calls()] == [
        short.prompt_tokens_details.audio_tokens,
        long.prompt_tokens_details.audio_tokens,
    ]


def test_a_spoken_answer_is_counted_as_text_and_sound(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    plain = say(openai_client, model=VOICE)
    spoken = say(openai_client, model=VOICE, **SPOKEN)

    message = spoken.choices[0].message
    assert (message.content, message.audio.transcript) == (None, plain.choices[0].message.content)
    assert len(base64.b64decode(message.audio.data)) > 1000
    details = spoken.usage.completion_tokens_details
    assert details.audio_tokens > 0
    assert spoken.usage.completion_tokens == plain.usage.completion_tokens + details.audio_tokens
    call = simulator.calls()[-1]
    assert (call["output_tokens"], call["audio_output_tokens"]) == (
        spoken.usage.completion_tokens,
        details.audio_tokens,
    )


def test_a_spoken_stream_says_the_same(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    whole = say(openai_client, model=VOICE, **SPOKEN)
    asked = SPOKEN | {"audio": {"voice": "alloy", "format": "pcm16"}, "stream_options": {"include_usage": True}}
    chunks = list(say(openai_client, model=VOICE, stream=True, **asked))

    sounds = [chunk.choices[0].delta.audio for chunk in chunks if chunk.choices and chunk.choices[0].delta.audio]
    said = "".join(sound.transcript or "" for sound in sounds)
    assert said == whole.choices[0].message.audio.transcript
    assert sounds[-1].expires_at
    assert chunks[-1].usage == whole.usage
    call = simulator.wait_for_calls(2)[-1]
    assert (call["output_tokens"], call["audio_output_tokens"]) == (
        whole.usage.completion_tokens,
        whole.usage.completion_tokens_details.audio_tokens,
    )


def test_a_spoken_answer_keeps_to_its_limit_and_is_a_turn_later(openai_client: openai.OpenAI) -> None:
    spoken = say(openai_client, model=VOICE, max_completion_tokens=50, **SPOKEN)

    assert spoken.usage.completion_tokens <= 50
    assert spoken.choices[0].finish_reason == "length"
    turns = [*QUESTION, {"role": "assistant", "audio": {"id": spoken.choices[0].message.audio.id}}, *QUESTION]
    assert say(openai_client, turns, model=VOICE).choices[0].message.content


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": MODEL}, "modalities"),
        ({"audio": None}, "audio"),
        ({"stream": True}, "audio.format"),
        ({"audio": {"voice": "alloy"}}, "audio.format"),
    ],
)
def test_what_cannot_be_spoken_is_refused(simulator: RunningSimulator, change: Any, param: str) -> None:
    body = {"model": VOICE, "messages": QUESTION} | SPOKEN | change
    headers = {"authorization": f"Bearer {KEY}"}
    response = httpx.post(f"{simulator.url}/openai/v1/chat/completions", headers=headers, json=body)

    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_a_cut_spoken_stream_is_entered_with_its_share_of_sound(simulator: RunningSimulator) -> None:
    asked = SPOKEN | {"audio": {"voice": "alloy", "format": "pcm16"}}
    body = {"model": VOICE, "messages": QUESTION, "stream": True} | asked
    headers = {"authorization": f"Bearer {KEY}"}
    simulator.spoil("no_end")
    httpx.post(f"{simulator.url}/openai/v1/chat/completions", headers=headers, json=body)
    simulator.spoil("error_event", after_chunks=6)
    httpx.post(f"{simulator.url}/openai/v1/chat/completions", headers=headers, json=body)

    whole, cut = simulator.wait_for_calls(2)
    assert whole["audio_output_tokens"] * 5 == whole["output_tokens"] * 4
    assert (cut["output_tokens"], cut["audio_output_tokens"]) == (25, 20)


def test_a_search_is_cited_in_the_answer(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    plain = say(openai_client)
    found = say(openai_client, web_search_options={"search_context_size": "low"})
    chunks = list(say(openai_client, web_search_options={}, stream=True))

    [annotation] = found.choices[0].message.annotations
    cited = annotation.url_citation
    assert cited.url.startswith("https://")
    assert found.choices[0].message.content[cited.start_index : cited.end_index].endswith(".")
    assert found.usage.prompt_tokens > plain.usage.prompt_tokens
    assert any("annotations" in (chunk.choices[0].delta.model_extra or {}) for chunk in chunks)
    assert [call["web_searches"] for call in simulator.wait_for_calls(3)] == [0, 1, 1]


@pytest.mark.parametrize(
    ("asked", "served"),
    [(None, "default"), ("auto", "default"), ("flex", "flex"), ("priority", "priority"), ("fast", "priority")],
)
def test_the_tier_of_a_chat_is_told_and_entered(
    openai_client: openai.OpenAI, simulator: RunningSimulator, asked: str | None, served: str
) -> None:
    answer = say(openai_client, service_tier=asked)
    *_, last = say(openai_client, service_tier=asked, stream=True)

    assert (answer.service_tier, last.service_tier) == (served, served)
    assert {call["service"] for call in simulator.wait_for_calls(2)} == {served}


def test_reasoning_is_part_of_the_output(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    plain = say(openai_client, reasoning_effort="none").usage
    deep = say(openai_client, reasoning_effort="high").usage

    reasoning = deep.completion_tokens_details.reasoning_tokens
    assert plain.completion_tokens_details.reasoning_tokens == 0 < reasoning < deep.completion_tokens
    assert [call["reasoning_tokens"] for call in simulator.calls()] == [0, reasoning]


def test_claude_tells_its_tier_and_speed(anthropic_client: anthropic.Anthropic, simulator: RunningSimulator) -> None:
    usual = anthropic_client.messages.create(model=CLAUDE, max_tokens=50, messages=QUESTION)
    fast = anthropic_client.messages.create(model=CLAUDE, max_tokens=50, messages=QUESTION, speed="fast")

    assert (usual.usage.service_tier, usual.usage.speed, fast.usage.speed) == ("standard", "standard", "fast")
    assert usual.usage.server_tool_use is None
    assert [call["service"] for call in simulator.calls()] == ["standard", "fast"]


def test_claude_shows_its_search_and_counts_it(
    anthropic_client: anthropic.Anthropic, simulator: RunningSimulator
) -> None:
    asked: Any = {"model": CLAUDE, "max_tokens": 200, "messages": QUESTION, "tools": [SEARCH]}
    plain = anthropic_client.messages.create(**asked | {"tool_choice": {"type": "none"}})
    found = anthropic_client.messages.create(**asked)
    with anthropic_client.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()

    use, result, text = found.content
    assert (use.type, result.type, text.type) == ("server_tool_use", "web_search_tool_result", "text")
    assert use.input["query"]
    assert text.citations[0].url == result.content[0].url
    assert found.usage.server_tool_use.web_search_requests == 1
    assert found.usage.input_tokens > plain.usage.input_tokens
    assert [block.type for block in streamed.content] == [block.type for block in found.content]
    assert streamed.content[0].input == use.input
    assert streamed.usage.server_tool_use.web_search_requests == 1
    assert [call["web_searches"] for call in simulator.wait_for_calls(3)] == [0, 1, 1]
    again = [*QUESTION, {"role": "assistant", "content": found.content}, *QUESTION]
    assert anthropic_client.messages.create(**asked | {"messages": again}).usage.input_tokens > found.usage.input_tokens


def test_claude_s_count_of_tokens_is_that_of_the_answer(anthropic_client: anthropic.Anthropic) -> None:
    counted = anthropic_client.messages.count_tokens(model=CLAUDE, messages=QUESTION)
    answer = anthropic_client.messages.create(model=CLAUDE, max_tokens=5, messages=QUESTION)

    assert counted.input_tokens == answer.usage.input_tokens
