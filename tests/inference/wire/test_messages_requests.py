"""A messages request is checked, read, bounded and sent on without anything the customer wrote being lost."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from inference.domain import Usage, Wire
from inference.wire import media
from inference.wire.format import format_of

messages = format_of(Wire.MESSAGES)
USER = {"role": "user", "content": "Why is the sky blue?"}
DATA = base64.b64encode(b"\x89PNG" * 20_000).decode()
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [IMAGE]}


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "claude-haiku-5-5", "max_tokens": 64, "messages": [USER], **fields}


def user(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(blocks)}]


def bound(body: dict[str, Any]) -> int:
    return messages.input_token_bound(body, len(msgspec.json.encode(body)))


@pytest.mark.parametrize(
    ("broken", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content"),
        ({"messages": user({"type": "text"})}, "messages[0].content[0].text"),
        ({"messages": user({"type": "image"})}, "messages[0].content[0].source"),
        ({"messages": user({"text": "x"})}, "messages[0].content[0].type"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"temperature": 1.5}, "temperature"),
        ({"stream": 1}, "stream"),
        ({"system": 5}, "system"),
        ({"system": [{"type": "text"}]}, "system[0].text"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"thinking": {}}, "thinking.type"),
        ({"model": ""}, "model"),
    ],
)
def test_a_broken_request_is_refused_by_the_name_of_the_field(broken: dict[str, Any], param: str) -> None:
    problem = messages.check(request(**broken))
    assert problem is not None
    assert problem.param == param
    assert param in problem.message


def test_the_output_limit_is_required_as_the_wire_requires_it() -> None:
    problem = messages.check({"model": "m", "messages": [USER]})
    assert problem is not None
    assert problem.param == "max_tokens"


@pytest.mark.parametrize(
    "fine",
    [
        {},
        {"max_tokens": 0},
        {"messages": [USER, {"role": "assistant", "content": ""}]},
        {"messages": [USER, {"role": "system", "content": "From now on, French."}]},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}, "new_field": [1]},
        {"tools": [{"type": "web_search_20260318", "name": "web_search"}]},
        {"messages": user({"type": "server_block_of_next_year", "x": 1})},
    ],
)
def test_what_asahi_does_not_act_on_is_left_to_the_provider(fine: dict[str, Any]) -> None:
    assert messages.check(request(**fine)) is None


def test_the_upstream_body_differs_only_in_the_model_and_the_stream() -> None:
    body = request(metadata={"user_id": "u"}, unknown={"z": 1, "a": 2})
    assert msgspec.json.decode(messages.upstream_body(body, "m", stream=False)) == {**body, "model": "m"}
    assert msgspec.json.decode(messages.upstream_body(body, "m", stream=True)) == {**body, "model": "m", "stream": True}


def test_a_turn_that_only_returns_tool_results_is_not_the_task() -> None:
    body = request(messages=[USER, {"role": "assistant", "content": "x"}, *user(RESULT)])
    assert messages.task_text(body) == "Why is the sky blue?"


def test_instructions_are_read_from_the_system_prompt_and_from_the_conversation() -> None:
    later = {"role": "system", "content": "From now on, French."}
    body = request(system=[{"type": "text", "text": "Be kind."}], messages=[USER, later])
    assert messages.system_text(body) == "Be kind.\n\nFrom now on, French."


def test_images_count_as_images_wherever_they_stand() -> None:
    for block in (IMAGE, RESULT):
        assert media.IMAGE_TOKENS < bound(request(messages=user(block))) < media.IMAGE_TOKENS + 500


def test_documents_are_bounded_by_their_size_and_plain_text_ones_by_their_bytes() -> None:
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": DATA}}
    text = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "word " * 100}}
    stored = {"type": "document", "source": {"type": "file", "file_id": "f"}}
    assert len(DATA) * 3 // 4 < bound(request(messages=user(pdf))) < len(DATA)
    assert bound(request(messages=user(text))) < 1_000
    assert bound(request(messages=user(stored))) > media.UNSEEN_FILE_TOKENS


def test_a_search_tool_allows_for_the_pages_it_reads() -> None:
    assert bound(request(tools=[{"type": "web_search_20260318", "name": "web_search"}])) > media.SEARCH_TOKENS


@pytest.mark.parametrize(
    ("tool", "documented"),
    [("bash_20250124", 245), ("text_editor_20250728", 700), ("computer_20251124", 1_234)],
)
def test_a_tool_that_its_provider_describes_allows_for_the_description(tool: str, documented: int) -> None:
    body = request(tools=[{"type": tool, "name": "t"}])
    assert bound(body) >= len(msgspec.json.encode(body)) + documented


def test_sets_of_tools_and_remote_servers_allow_for_many_descriptions() -> None:
    assert bound(request(tools=[{"type": "browser_toolset_20260801"}])) > media.TOOLSET_TOKENS
    assert bound(request(mcp_servers=[{"type": "url", "url": "https://e.com", "name": "e"}])) > media.TOOLSET_TOKENS


def test_a_document_that_was_fetched_before_counts_as_a_document() -> None:
    pdf = {"type": "document", "source": {"type": "url", "url": "https://e.com/a.pdf"}}
    result = {"type": "web_fetch_result", "url": "https://e.com/a.pdf", "content": pdf}
    block = {"type": "web_fetch_tool_result", "tool_use_id": "t", "content": result}
    assert bound(request(messages=user(block))) > media.UNSEEN_FILE_TOKENS


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, set()),
        ({"messages": user(IMAGE)}, {"vision"}),
        ({"messages": user(RESULT)}, {"vision"}),
        ({"messages": user({"type": "document", "source": {"type": "url", "url": "https://e.com/a.pdf"}})}, {"files"}),
        ({"tools": [{"name": "f", "input_schema": {}}]}, {"tools"}),
        ({"tools": [{"type": "web_search_20260318", "name": "web_search"}]}, {"web_search"}),
        ({"thinking": {"type": "adaptive"}}, {"reasoning"}),
        ({"thinking": {"type": "disabled"}}, set()),
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, {"json_schema"}),
    ],
)
def test_a_request_says_what_a_model_must_be_able_to_do(fields: dict[str, Any], needs: set[str]) -> None:
    assert messages.needs(request(**fields)) == needs


def answer(**usage: Any) -> bytes:
    return msgspec.json.encode({"type": "message", "content": [], "usage": usage})


def test_input_includes_what_was_cached_and_what_was_written_to_the_cache() -> None:
    raw = answer(
        input_tokens=10,
        output_tokens=50,
        cache_read_input_tokens=100,
        cache_creation_input_tokens=30,
        cache_creation={"ephemeral_1h_input_tokens": 20, "ephemeral_5m_input_tokens": 10},
        output_tokens_details={"thinking_tokens": 40},
    )
    assert messages.usage_of_body(raw) == Usage(140, 50, 100, 30, 20, 40)


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1, "output_tokens": 5},
        {"output_tokens": 5},
        {"input_tokens": 1, "output_tokens": 10**12},
        {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 3}},
        {"input_tokens": 1, "output_tokens": 2, "cache_creation": {"ephemeral_1h_input_tokens": 3}},
    ],
)
def test_usage_that_cannot_be_true_is_not_believed(usage: dict[str, Any]) -> None:
    assert messages.usage_of_body(answer(**usage)) is None


def test_the_text_of_a_message_is_that_of_its_blocks() -> None:
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Blue"}, {"type": "text", "text": "."}]
    assert messages.answer_text(msgspec.json.encode({"content": content})) == "Blue."
