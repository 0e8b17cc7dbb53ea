"""Anthropic's `cache_control` in a chat request: Claude gets it, whoever does not know it is not sent it."""

from __future__ import annotations

from typing import Any

import pytest

from inference.wire.capabilities import LATE_INSTRUCTIONS
from inference.wire.chat.foreign_marks import without_foreign_marks
from inference.wire.translate import Untranslatable, to_messages
from inference.wire.translate.chat_to_responses import chat_to_responses
from tests.inference.wire.conversations import PIXEL

HOUR = {"type": "ephemeral", "ttl": "1h"}
MARK = {"cache_control": HOUR}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
FUNCTION = {"name": "f", "parameters": {"type": "object"}}


def to_claude(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    there = to_messages({"messages": list(messages), **fields}, accepted={LATE_INSTRUCTIONS}, default_max_tokens=64)
    assert not isinstance(there, Untranslatable), there
    return there


def user(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts) or "Why?", **fields}


def test_the_mark_of_a_part_reaches_claude_with_its_lifetime() -> None:
    there = to_claude(user({"type": "text", "text": "Long.", **MARK}, {**IMAGE, **MARK}, {"type": "text", "text": "?"}))
    assert [block.get("cache_control") for block in there["messages"][0]["content"]] == [HOUR, HOUR, None]


def test_the_mark_of_a_message_is_that_of_its_last_block() -> None:
    there = to_claude(
        {"role": "system", "content": "Be kind.", **MARK},
        user({"type": "text", "text": "One."}, {"type": "text", "text": "Two."}, **MARK),
        {"role": "assistant", "content": "Yes.", "tool_calls": [CALL], **MARK},
        {"role": "tool", "tool_call_id": "call_1", "content": "4", **MARK},
    )
    assert there["system"] == [{"type": "text", "text": "Be kind.", **MARK}]
    asked, said, result = (turn["content"] for turn in there["messages"])
    assert [block.get("cache_control") for block in asked] == [None, HOUR]
    assert [block.get("cache_control") for block in said] == [None, HOUR]
    assert result[0]["cache_control"] == HOUR


@pytest.mark.parametrize(
    "tool",
    [{"type": "function", "function": FUNCTION, **MARK}, {"type": "function", "function": {**FUNCTION, **MARK}}],
    ids=["on the tool", "on its function"],
)
def test_the_mark_of_a_tool_reaches_claude(tool: dict[str, Any]) -> None:
    assert to_claude(user(), tools=[tool])["tools"][0]["cache_control"] == HOUR


def test_a_mark_that_is_none_is_refused_by_name() -> None:
    part = {"type": "text", "text": "x", "cache_control": "yes"}
    there = to_messages({"messages": [user(part)]}, accepted=(), default_max_tokens=64)
    assert isinstance(there, Untranslatable)
    assert there.param == "messages[0].content[0].cache_control"


def test_a_null_mark_says_nothing() -> None:
    there = to_claude(user({"type": "text", "text": "x", "cache_control": None}, cache_control=None))
    assert there["messages"][0]["content"] == [{"type": "text", "text": "x"}]


def test_others_are_sent_the_request_without_any_mark() -> None:
    marked = {
        "messages": [user({"type": "text", "text": "x", **MARK}, **MARK), {"role": "system", "content": None, **MARK}],
        "tools": [{"type": "function", "function": {**FUNCTION, **MARK}, **MARK}, {"type": "custom", **MARK}],
    }
    assert "cache_control" not in str(without_foreign_marks(marked))
    assert "cache_control" in str(marked), "the caller's own body is as it was"
    assert "cache_control" not in str(chat_to_responses({"messages": marked["messages"][:1]}))


@pytest.mark.parametrize("odd", [{"messages": "x", "tools": 3}, {"messages": [1, None], "tools": [None]}, {}])
def test_what_is_shaped_oddly_is_left_as_it_is(odd: dict[str, Any]) -> None:
    assert without_foreign_marks(odd) is odd


def test_nothing_is_copied_when_there_is_no_mark() -> None:
    body: dict[str, Any] = {"messages": [user({"type": "text", "text": "x"})], "tools": [{"type": "function"}]}
    assert without_foreign_marks(body) is body


def test_no_more_marks_than_claude_takes_are_sent_the_latest_of_tools_and_conversation() -> None:
    tools = [{"type": "function", "function": {**FUNCTION, "name": name}, **MARK} for name in "abc"]
    there = to_claude(user(*({"type": "text", "text": text, **MARK} for text in "xyz")), tools=tools)
    assert [tool.get("cache_control") for tool in there["tools"]] == [None, None, HOUR]
    assert [block.get("cache_control") for block in there["messages"][0]["content"]] == [HOUR] * 3
