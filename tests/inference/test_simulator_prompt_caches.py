"""The providers' prompt caches, simulated: what is read, what is written, and how each reports it."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest

from inference.simulator import prefixes
from inference.simulator.prefixes import AutomaticCache, CacheUse, MarkedCache
from inference.simulator.prompts import Segment
from tests.inference.simulator_process import RunningSimulator

LONG = "The quick brown fox jumps over the lazy dog near the river bank. " * 150
MODEL = "gpt-6-luna"
CLAUDE = "claude-sonnet-5"


def chat(client: openai.OpenAI, system: str, question: str, **more: Any) -> Any:
    messages: Any = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return client.chat.completions.create(model=MODEL, messages=messages, max_completion_tokens=5, **more).usage


def send(client: anthropic.Anthropic, *blocks: Any, question: str = "Hello", **more: Any) -> anthropic.types.Usage:
    messages: Any = [{"role": "user", "content": question}]
    return client.messages.create(**{
        "model": CLAUDE, "max_tokens": 5, "system": list(blocks), "messages": messages
    } | more).usage  # fmt: skip


def block(text: str, ttl: str | None = None) -> dict[str, Any]:
    mark = {"cache_control": {"type": "ephemeral", "ttl": ttl}} if ttl else {}
    return {"type": "text", "text": text, **mark}


def test_openai_reads_a_known_start_in_steps_of_128(openai_client: openai.OpenAI) -> None:
    first = chat(openai_client, LONG, "One?")
    second = chat(openai_client, LONG, "Two?")

    cached = second.prompt_tokens_details.cached_tokens
    assert first.prompt_tokens_details.cached_tokens == 0
    assert cached >= 1024
    assert cached % 128 == 0
    assert second.prompt_tokens - cached < 256


def test_a_prompt_below_1024_tokens_is_never_cached(openai_client: openai.OpenAI) -> None:
    short = LONG[:3000]

    assert [chat(openai_client, short, "One?").prompt_tokens_details.cached_tokens for _ in range(2)] == [0, 0]


def test_a_change_at_the_start_misses_and_one_later_hits_up_to_it(openai_client: openai.OpenAI) -> None:
    chat(openai_client, LONG, "One?")
    at_start = chat(openai_client, "x " + LONG, "One?")
    later = chat(openai_client, LONG[:8000] + " But not here. " + LONG[8000:], "One?")

    assert at_start.prompt_tokens_details.cached_tokens == 0
    assert 1024 <= later.prompt_tokens_details.cached_tokens < later.prompt_tokens - 200


def test_models_and_cache_keys_do_not_share_a_cache(openai_client: openai.OpenAI) -> None:
    chat(openai_client, LONG, "One?", prompt_cache_key="a")

    assert chat(openai_client, LONG, "One?", prompt_cache_key="b").prompt_tokens_details.cached_tokens == 0
    assert chat(openai_client, LONG, "One?", prompt_cache_key="a").prompt_tokens_details.cached_tokens >= 1024


def test_anthropic_writes_what_is_marked_and_reads_it_next_time(anthropic_client: anthropic.Anthropic) -> None:
    first = send(anthropic_client, block(LONG, "5m"), question="One?")
    second = send(anthropic_client, block(LONG, "5m"), question="Two, rather?")

    assert first.cache_creation_input_tokens is not None
    assert first.cache_creation_input_tokens > 1024
    assert first.cache_read_input_tokens == 0
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.cache_creation_input_tokens == 0
    assert second.input_tokens < 20


def test_input_tokens_leave_out_what_the_cache_took_part_in(anthropic_client: anthropic.Anthropic) -> None:
    plain = send(anthropic_client, block(LONG))
    written = send(anthropic_client, block(LONG, "5m"))
    read = send(anthropic_client, block(LONG, "5m"))

    assert plain.cache_creation_input_tokens == plain.cache_read_input_tokens == 0
    for usage in (written, read):
        cached = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
        assert usage.input_tokens + cached == plain.input_tokens


def test_an_hour_s_write_is_told_apart(anthropic_client: anthropic.Anthropic) -> None:
    usage = send(anthropic_client, block(LONG, "1h"), block(LONG[::-1], "5m"))

    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_1h_input_tokens > 1024
    assert usage.cache_creation.ephemeral_5m_input_tokens > 1024
    total = usage.cache_creation.ephemeral_1h_input_tokens + usage.cache_creation.ephemeral_5m_input_tokens
    assert total == usage.cache_creation_input_tokens


def test_a_prefix_below_the_model_s_smallest_is_not_cached(anthropic_client: anthropic.Anthropic) -> None:
    text = LONG[: 64 * 45]
    haiku = send(anthropic_client, block(text, "5m"), model="claude-haiku-5-5")
    older = send(anthropic_client, block(text, "5m"), model="claude-haiku-4-5")

    assert (haiku.cache_creation_input_tokens or 0) >= 512
    assert older.cache_creation_input_tokens == 0


def test_a_mark_on_the_whole_request_grows_with_the_conversation(anthropic_client: anthropic.Anthropic) -> None:
    mark: Any = {"type": "ephemeral"}
    question = {"role": "user", "content": LONG}
    turn: Any = [question, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And then?"}]
    first = anthropic_client.messages.create(model=CLAUDE, max_tokens=5, messages=[question], cache_control=mark).usage
    second = anthropic_client.messages.create(model=CLAUDE, max_tokens=5, messages=turn, cache_control=mark).usage

    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert 0 < (second.cache_creation_input_tokens or 0) < 30


def test_a_stream_reports_the_cache_in_its_first_event(anthropic_client: anthropic.Anthropic) -> None:
    request: Any = {
        "model": CLAUDE,
        "max_tokens": 5,
        "system": [block(LONG, "5m")],
        "messages": [{"role": "user", "content": "One?"}],
    }
    written = anthropic_client.messages.create(**request).usage.cache_creation_input_tokens
    events = list(anthropic_client.messages.create(**request, stream=True))

    assert events[0].message.usage.cache_read_input_tokens == written
    assert [event.usage.cache_read_input_tokens for event in events if event.type == "message_delta"] == [written]


def test_the_ledger_counts_all_input_with_its_cached_parts(
    anthropic_client: anthropic.Anthropic, simulator: RunningSimulator
) -> None:
    usages = [send(anthropic_client, block(LONG, "5m")) for _ in range(2)]
    calls = simulator.calls()

    for usage, call in zip(usages, calls, strict=True):
        assert call["cached_input_tokens"] == usage.cache_read_input_tokens
        assert call["cache_write_tokens"] == usage.cache_creation_input_tokens
        cached = call["cached_input_tokens"] + call["cache_write_tokens"]
        assert call["input_tokens"] == usage.input_tokens + cached
    assert simulator.stats()["by_model"][CLAUDE]["cached_input_tokens"] == usages[1].cache_read_input_tokens


def test_a_prefix_is_forgotten_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(prefixes.time, "monotonic", lambda: now)
    automatic, marked = AutomaticCache(), MarkedCache()
    segments = [Segment(LONG, cache_seconds=300)]

    def use() -> tuple[CacheUse, CacheUse]:
        total = sum(segment.tokens for segment in segments)
        return automatic.use("me", segments, total=total), marked.use("me", segments, smallest=1024)

    use()
    now += 299
    assert all(cache.read for cache in use())
    now += 299
    assert all(cache.read for cache in use()), "reading it renews it"
    now += 301
    assert not any(cache.read for cache in use())


def test_another_owner_does_not_see_a_prefix() -> None:
    cache = MarkedCache()
    segments = [Segment(LONG, cache_seconds=300)]
    cache.use("one", segments, smallest=1024)

    assert cache.use("two", segments, smallest=1024).read == 0
