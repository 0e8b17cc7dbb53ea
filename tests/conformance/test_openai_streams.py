"""The official `openai` client, reading chat completions as they are written."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.served import Simulator, Tenant

LUNA = "gpt-6-luna"
MODELS = (LUNA, "claude-haiku-5-5", "command-a")


def asked(prompt: str, model: str = LUNA, **fields: Any) -> Any:
    return {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": 300, **fields}


@pytest.mark.parametrize("model", MODELS)
def test_chunks_add_up_to_the_whole_answer(gpt: openai.OpenAI, model: str) -> None:
    uncached = {"x-asahi-cache": "off"}
    whole = gpt.chat.completions.create(**asked("Tell me of ships", model), extra_headers=uncached)
    chunks = list(gpt.chat.completions.create(**asked("Tell me of ships", model), stream=True, extra_headers=uncached))
    assert len(chunks) > 3
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
    assert all(chunk.usage is None for chunk in chunks), "usage is shown only to those who ask"


@pytest.mark.parametrize("model", MODELS)
def test_usage_comes_last_when_asked_for(gpt: openai.OpenAI, tenant: Tenant, model: str) -> None:
    stream = gpt.chat.completions.create(
        **asked("Count me", model), stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    assert last.choices == []
    assert last.usage is not None
    assert all(chunk.usage is None for chunk in chunks)
    entry = tenant.ledger(1)[0]
    assert (entry.input_tokens, entry.output_tokens) == (last.usage.prompt_tokens, last.usage.completion_tokens)


def test_several_choices_are_told_apart(gpt: openai.OpenAI) -> None:
    texts = {0: "", 1: ""}
    for chunk in gpt.chat.completions.create(**asked("Twice", n=2), stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert all(texts.values())
    assert texts[0] != texts[1]


def test_logprobs_are_streamed_with_their_tokens(gpt: openai.OpenAI) -> None:
    tokens = ""
    text = ""
    for chunk in gpt.chat.completions.create(**asked("Likely", "gpt-4o", logprobs=True), stream=True):
        text += chunk.choices[0].delta.content or ""
        logprobs = chunk.choices[0].logprobs
        tokens += "".join(entry.token for entry in (logprobs.content or ())) if logprobs else ""
    assert tokens
    assert tokens == text


def test_the_stream_helper_builds_the_completion(gpt: openai.OpenAI) -> None:
    with gpt.chat.completions.stream(**asked("Help me"), stream_options={"include_usage": True}) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content
    assert final.usage is not None
    assert final.usage.completion_tokens > 0


def test_a_cached_answer_is_streamed_again(gpt: openai.OpenAI) -> None:
    def read() -> tuple[str, str, int]:
        with gpt.chat.completions.with_streaming_response.create(
            **asked("Once more"), stream=True, stream_options={"include_usage": True}
        ) as raw:
            chunks = list(raw.parse())
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert chunks[-1].usage is not None
        return raw.headers["x-asahi-cache"], text, chunks[-1].usage.completion_tokens

    first, second = read(), read()
    assert (first[0], second[0]) == ("miss", "t1")
    assert first[1:] == second[1:]


def test_leaving_a_stream_early_leaves_the_client_usable(
    gpt: openai.OpenAI, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(chunk_ms=20)
    with gpt.chat.completions.create(**asked("A long story"), stream=True) as stream:
        next(iter(stream))
    simulator.faults(chunk_ms=0)
    assert gpt.chat.completions.create(**asked("Another")).choices[0].message.content
    assert all(entry.cost_nano > 0 for entry in tenant.ledger(2))


def test_a_provider_that_fails_half_way_raises_in_the_reader(
    gpt: openai.OpenAI, simulator: Simulator, closed_breakers: None
) -> None:
    simulator.faults(half_stream_rate=1.0)
    seen = []
    with pytest.raises(openai.APIError) as raised:
        seen.extend(gpt.chat.completions.create(**asked("Half of it"), stream=True))
    assert seen
    assert raised.value.code == "provider_failed"
