"""What providers say a call used: read to the last detail that is priced, and not believed when it cannot be true."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain import STANDARD_SERVICE, Extras, Usage
from inference.wire.usage import (
    asked_for,
    chat_usage,
    embeddings_usage,
    messages_usage,
    responses_usage,
)

READERS = (chat_usage, messages_usage, responses_usage, embeddings_usage)


def said(usage: Any, **beside: Any) -> bytes:
    return msgspec.json.encode({"usage": usage, **beside})


def chat(**details: Any) -> dict[str, Any]:
    return {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, **details}


def message(**details: Any) -> dict[str, Any]:
    return {"input_tokens": 100, "output_tokens": 50, **details}


def response(**details: Any) -> dict[str, Any]:
    return {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150, **details}


def test_a_chat_answers_audio_is_counted_apart() -> None:
    usage = chat(
        prompt_tokens_details={"audio_tokens": 60, "text_tokens": 40, "image_tokens": 0},
        completion_tokens_details={"audio_tokens": 30, "text_tokens": 20, "accepted_prediction_tokens": 0},
    )
    assert chat_usage(said(usage)) == Usage(100, 50, extras=Extras(60, 0, 30))


def test_audio_that_must_have_been_cached_is_cached_audio() -> None:
    usage = chat(prompt_tokens_details={"audio_tokens": 60, "cached_tokens": 70})
    assert chat_usage(said(usage)) == Usage(100, 50, 70, extras=Extras(60, 30))


@pytest.mark.parametrize("name", ["cached_tokens", "prompt_cache_hit_tokens"])
def test_cached_tokens_are_found_where_compatible_endpoints_tell_them(name: str) -> None:
    assert chat_usage(said(chat(**{name: 70}))) == Usage(100, 50, 70)


@pytest.mark.parametrize("tier", ["flex", "priority", "fast", "default", "scale", None, "x" * 1000])
def test_a_service_tier_counts_when_it_may_have_a_price(tier: str | None) -> None:
    service = tier if tier in ("flex", "priority", "fast") else ""
    assert chat_usage(said(chat(), service_tier=tier)) == Usage(100, 50, service=service)
    assert responses_usage(said(response(), service_tier=tier)) == Usage(100, 50, service=service)


def test_a_messages_web_searches_are_counted_and_its_fetches_are_free() -> None:
    usage = message(server_tool_use={"web_search_requests": 3, "web_fetch_requests": 7})
    assert messages_usage(said(usage)) == Usage(100, 50, extras=Extras(web_searches=3))
    assert messages_usage(said(message(server_tool_use={"web_search_requests": 0}))) == Usage(100, 50)


def test_a_messages_cache_writes_are_told_apart_by_how_long_they_last() -> None:
    parts = {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}
    usage = message(cache_creation_input_tokens=50, cache_read_input_tokens=10, cache_creation=parts)
    assert messages_usage(said(usage)) == Usage(160, 50, 10, 50, 30)


def test_a_compaction_is_charged_beside_the_sums_that_leave_it_out() -> None:
    step = {"type": "compaction", "input_tokens": 1_000, "output_tokens": 200, "cache_read_input_tokens": 5}
    own = {"type": "message", "input_tokens": 100, "output_tokens": 50}
    assert messages_usage(said(message(iterations=[step, own]))) == Usage(1_105, 250, 5)


def test_a_batch_of_messages_says_so() -> None:
    assert messages_usage(said(message(service_tier="batch"))) == Usage(100, 50, service="batch")


def test_a_responses_usage_and_searches_are_read_whole_and_out_of_a_stream() -> None:
    items = [
        {"type": "message", "content": [], "status": "completed"},
        {"type": "web_search_call", "status": "completed", "action": {"type": "search", "queries": ["a", "b"]}},
        {"type": "web_search_call", "status": "completed"},
        {"type": "web_search_call", "status": "completed", "action": {"type": "open_page"}},
        {"type": "web_search_call", "status": "failed", "action": {"type": "search"}},
        {"type": "file_search_call", "status": "completed", "queries": []},
        {"type": "computer_call", "action": {"type": "click"}},
        {"type": "shell_call", "action": "odd"},
    ]
    usage = response(
        input_tokens_details={"cached_tokens": 60, "cache_write_tokens": 10, "cache_write_tokens_details": {"new": 1}},
        output_tokens_details={"reasoning_tokens": 20},
    )
    expected = Usage(
        100, 50, 60, 10, reasoning_tokens=20, service="flex", extras=Extras(web_searches=2, file_searches=1)
    )
    whole = {"usage": usage, "output": items, "service_tier": "flex"}
    assert responses_usage(msgspec.json.encode(whole)) == expected
    assert responses_usage(msgspec.json.encode({"type": "response.completed", "response": whole})) == expected
    assert responses_usage(msgspec.json.encode({"type": "response.created", "response": {"usage": None}})) is None


def test_embeddings_read_and_write_nothing() -> None:
    assert embeddings_usage(said({"prompt_tokens": 8, "total_tokens": 8})) == Usage(8)
    assert embeddings_usage(said({"total_tokens": 8})) == Usage(8)


@pytest.mark.parametrize(
    ("read", "usage"),
    [
        (chat_usage, chat(prompt_tokens_details={"audio_tokens": 101})),
        (chat_usage, chat(prompt_tokens_details={"audio_tokens": 60, "cache_write_tokens": 60})),
        (chat_usage, chat(completion_tokens_details={"audio_tokens": 30, "reasoning_tokens": 30})),
        (chat_usage, chat(prompt_tokens=-1)),
        (chat_usage, chat(prompt_tokens=10**12)),
        (chat_usage, chat(completion_tokens=1.5)),
        (messages_usage, message(server_tool_use={"web_search_requests": -1})),
        (messages_usage, message(output_tokens="50")),
        (messages_usage, message(cache_creation_input_tokens=1, cache_creation={"ephemeral_1h_input_tokens": 2})),
        (responses_usage, response(input_tokens_details={"cached_tokens": 101})),
        (responses_usage, response(output_tokens_details={"reasoning_tokens": 51})),
        (responses_usage, response(input_tokens=None)),
        (embeddings_usage, {"prompt_tokens": -8}),
        (embeddings_usage, {}),
        (embeddings_usage, {"prompt_tokens": True}),
    ],
)
def test_a_usage_that_cannot_be_true_is_not_believed(read: Any, usage: Any) -> None:
    assert read(said(usage)) is None


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b'{"usage": null}', b'{"usage": 3}', b'{"usage": []}'])
def test_a_usage_that_is_missing_is_not_made_up(read: Any, raw: bytes) -> None:
    assert read(raw) is None


json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
known = st.sampled_from(
    [
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "cached_tokens",
        "audio_tokens",
        "reasoning_tokens",
        "server_tool_use",
        "cache_creation",
        "iterations",
        "input_tokens_details",
        "output",
        "usage",
    ]
)


@given(usage=st.dictionaries(known | st.text(), json | st.dictionaries(known, json), max_size=6), beside=json)
def test_whatever_is_said_is_a_usage_without_negative_counts_or_none(usage: dict[str, Any], beside: Any) -> None:
    for read in READERS:
        found = read(said(usage, output=beside, service_tier=beside))
        if found is not None:
            counts = (found.input_tokens, found.output_tokens, found.cached_input_tokens, found.cache_write_tokens)
            assert min(counts) >= 0
            assert found.cached_input_tokens + found.cache_write_tokens <= found.input_tokens


@pytest.mark.parametrize("read", READERS)
def test_details_that_nobody_has_heard_of_change_nothing(read: Any) -> None:
    plain = {**chat(), **message(), **response()}
    assert read(said({**plain, "quantum_tokens": 7, "future_details": {"a": [1, {"b": None}]}})) == read(said(plain))


@pytest.mark.parametrize(
    ("tier", "asked"),
    [
        ("priority", "priority"), ("flex", "flex"), ("auto", ""), (None, ""), (7, ""),
        ("default", STANDARD_SERVICE), ("standard_only", STANDARD_SERVICE),
    ],
)  # fmt: skip
def test_the_standard_service_can_be_asked_for_by_name(tier: Any, asked: str) -> None:
    assert asked_for(tier) == asked
