"""What a provider keeps for its account is named only by those who have the account to themselves."""

from __future__ import annotations

from typing import Any

import pytest

from inference.domain import Wire
from inference.wire.format import format_of
from inference.wire.messages.stored import stored_objects as stored_by_messages
from tests.inference.wire.request_places import USER

chat, messages = format_of(Wire.CHAT), format_of(Wire.MESSAGES)
IMAGE = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
DOCUMENT = {"type": "document", "source": {"type": "content", "content": [IMAGE]}}
PAGE = {"type": "web_fetch_result", "url": "https://e.com", "content": DOCUMENT}
ADVISOR = {"type": "advisor_20270101", "name": "advisor", "model": "claude-fable-5-2"}


def a_chat(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)} if parts else USER], **fields}


def a_message(*blocks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    content = {"role": "user", "content": list(blocks)} if blocks else USER
    return {"max_tokens": 64, "messages": [content], **fields}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (a_chat(store=True), "store"),
        (a_chat(audio={"format": "wav", "voice": {"id": "voice_1"}}), "audio.voice.id"),
        (a_chat({"type": "file", "file": {"file_id": "f"}}), "messages[0].content[0].file.file_id"),
        (a_chat({"type": "a_part_of_next_year", "file_id": "f"}), "messages[0].content[0].file_id"),
        ({"messages": [USER, {"role": "assistant", "audio": {"id": "a"}}, USER]}, "messages[1].audio.id"),
    ],
)
def test_a_chat_names_an_object_of_the_account_only_with_an_account_of_its_own(
    body: dict[str, Any], param: str
) -> None:
    problem = chat.check(body)
    assert problem is not None
    assert problem.param == param
    assert f"'{param}'" in problem.message
    assert chat.check(body, own_account=True) is None


@pytest.mark.parametrize(
    ("body", "params"),
    [
        (a_message(container="container_1"), ["container"]),
        (a_message(container={"id": "container_1"}), ["container.id"]),
        (
            a_message(container={"skills": [{"type": "anthropic", "skill_id": "pdf"}, {"type": "custom"}]}),
            ["container.skills[1].skill_id"],
        ),
        (a_message(thread={"type": "create"}), ["thread"]),
        (a_message(diagnostics={"previous_message_id": "msg_1"}), ["diagnostics.previous_message_id"]),
        (a_message(mcp_servers=[{"type": "url", "name": "a", "url": "https://a.com"}]), ["mcp_servers"]),
        (
            a_message(IMAGE, {"type": "container_upload", "file_id": "file_2"}),
            ["messages[0].content[0].source.file_id", "messages[0].content[1].file_id"],
        ),
        (
            a_message({"type": "web_fetch_tool_result", "tool_use_id": "t", "content": PAGE}),
            ["messages[0].content[0].content.content.source.content[0].source.file_id"],
        ),
    ],
)
def test_a_message_names_objects_of_the_account_only_with_an_account_of_its_own(
    body: dict[str, Any], params: list[str]
) -> None:
    assert list(stored_by_messages(body)) == params
    problem = messages.check(body)
    assert problem is not None
    assert problem.param == params[0]
    assert messages.check(body, own_account=True) is None


@pytest.mark.parametrize(
    "body",
    [
        a_message(container={"skills": [{"type": "anthropic", "skill_id": "pdf"}]}),
        a_message(diagnostics={"previous_message_id": None}, billing_policy={"type": "billing_policy"}),
        a_message({"type": "text", "text": "file_1"}),
        {
            "max_tokens": 64,
            "messages": [
                USER,
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"file_id": "mine"}}],
                },
                USER,
            ],
        },
    ],
)
def test_what_only_looks_like_an_object_of_the_account_passes(body: dict[str, Any]) -> None:
    assert messages.check(body) is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (a_message(fallbacks="default"), "fallbacks"),
        (a_message(fallbacks=[{"model": "claude-fable-5-2"}]), "fallbacks"),
        (a_message(tools=[ADVISOR]), "tools[0].type"),
        (
            a_message({"type": "tool_addition", "tool": {"type": "tool_definition", "definition": ADVISOR}}),
            "messages[0].content[0].tool.definition.type",
        ),
    ],
)
def test_models_that_no_policy_admitted_are_asked_with_no_key(body: dict[str, Any], param: str) -> None:
    for own_account in (True, False):
        problem = messages.check(body, own_account=own_account)
        assert problem is not None
        assert problem.param == param
