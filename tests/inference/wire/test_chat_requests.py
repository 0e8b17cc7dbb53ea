"""A chat request is checked, read, bounded and sent on without anything the customer wrote being lost."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from inference.domain import Usage, Wire
from inference.wire import media
from inference.wire.format import format_of

chat = format_of(Wire.CHAT)
USER = {"role": "user", "content": "Why is the sky blue?"}
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG" * 20_000).decode()


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt-6-luna", "messages": [USER], **fields}


def image(url: str, **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url, **fields}}]}


def bound(body: dict[str, Any]) -> int:
    return chat.input_token_bound(body, len(msgspec.json.encode(body)))


@pytest.mark.parametrize(
    ("broken", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"content": "no role"}]}, "messages[0].role"),
        ({"messages": [USER, {"role": "wizard", "content": "x"}]}, "messages[1].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"text": "a"}]}]}, "messages[0].content[0].type"),
        ({"messages": [image("")]}, "messages[0].content[0].image_url.url"),
        ({"messages": [{"role": "tool", "content": "4"}]}, "messages[0].tool_call_id"),
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"stop": [1]}, "stop[0]"),
        ({"tools": [{"function": {"name": "f"}}]}, "tools[0].type"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
    ],
)
def test_a_broken_request_is_refused_by_the_name_of_the_field(broken: dict[str, Any], param: str) -> None:
    problem = chat.check(request(**broken))
    assert problem is not None
    assert problem.param == param
    assert param.split("[", maxsplit=1)[0] in problem.message


def test_a_request_without_messages_is_told_so() -> None:
    problem = chat.check({"model": "gpt-6-luna"})
    assert problem is not None
    assert problem.message == "Missing required field 'messages'."


@pytest.mark.parametrize(
    "fine",
    [
        {},
        {"temperature": 0, "n": 3, "stop": None, "seed": 7, "tool_choice": "auto"},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "a", "type": "custom"}]}]},
        {"messages": [{"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}, USER]},
        {"a_field_of_next_year": {"anything": [1, None]}},
        {"messages": [{"role": "user", "content": [{"type": "hologram", "hologram": {}}]}]},
    ],
)
def test_what_asahi_does_not_act_on_is_left_to_the_provider(fine: dict[str, Any]) -> None:
    assert chat.check(request(**fine)) is None


def test_the_model_may_be_left_to_asahi() -> None:
    assert chat.check({"messages": [USER]}) is None


def test_the_upstream_body_differs_only_in_the_model_and_the_stream() -> None:
    body = request(temperature=1.0, store=None, unknown={"z": 1, "a": 2}, stream=True)
    sent = msgspec.json.decode(chat.upstream_body(body, "gpt-6-luna-2026", stream=False))
    assert sent == {**body, "model": "gpt-6-luna-2026", "stream": False}
    assert list(sent) == list(body)


def test_an_upstream_stream_always_tells_its_usage_and_keeps_the_customers_options() -> None:
    body = request(stream=True, stream_options={"include_obfuscation": False, "include_usage": False})
    sent = msgspec.json.decode(chat.upstream_body(body, "m", stream=True))
    assert sent["stream"] is True
    assert sent["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert body["stream_options"]["include_usage"] is False


def test_stream_options_do_not_go_with_a_call_that_is_not_streamed() -> None:
    body = request(stream=True, stream_options={"include_usage": True})
    assert "stream_options" not in msgspec.json.decode(chat.upstream_body(body, "m", stream=False))


def test_the_task_is_the_last_user_message_and_the_system_text_is_all_instructions() -> None:
    body = request(
        messages=[
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "First"},
            {"role": "assistant", "content": "Yes"},
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": [{"type": "text", "text": "Second"}, {"type": "text", "text": "part"}]},
            {"role": "tool", "tool_call_id": "a", "content": "4"},
        ]
    )
    assert chat.task_text(body) == "Second\npart"
    assert chat.system_text(body) == "Be kind.\n\nBe brief."


def test_limits_are_read_from_either_field() -> None:
    assert chat.max_output_tokens(request(max_tokens=9)) == 9
    assert chat.max_output_tokens(request(max_tokens=9, max_completion_tokens=5)) == 5
    assert chat.max_output_tokens(request()) is None
    assert (chat.answers(request()), chat.answers(request(n=4)), chat.answers(request(n=None))) == (1, 4, 1)


def test_text_is_bounded_by_its_bytes() -> None:
    body = request(messages=[{"role": "user", "content": "नमस्ते" * 50}])
    assert bound(body) == len(msgspec.json.encode(body))


def test_inline_images_count_as_images_and_not_as_bytes() -> None:
    assert bound(request(messages=[image(PNG)])) < media.IMAGE_TOKENS + 500
    assert bound(request(messages=[image("https://example.com/a.png")])) > media.IMAGE_TOKENS
    assert bound(request(messages=[image(PNG, detail="original")])) > media.ORIGINAL_IMAGE_TOKENS


def test_audio_and_files_are_bounded_by_their_size() -> None:
    data = base64.b64encode(b"\0" * 300_000).decode()
    audio = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": data, "format": "mp3"}}]}
    file = {"role": "user", "content": [{"type": "file", "file": {"file_data": data, "filename": "a.pdf"}}]}
    stored = {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}
    assert 4_000 < bound(request(messages=[audio])) < 6_000
    assert 300_000 < bound(request(messages=[file])) < len(data)
    assert bound(request(messages=[stored])) > media.UNSEEN_FILE_TOKENS


def test_tools_allow_for_the_instructions_that_providers_add() -> None:
    body = request(tools=[{"type": "function", "function": {"name": "f"}}])
    assert bound(body) == len(msgspec.json.encode(body)) + media.TOOLING_TOKENS


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, set()),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, {"tools"}),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {"json_schema"}),
        ({"response_format": {"type": "json_object"}}, {"json_object"}),
        ({"response_format": {"type": "text"}}, set()),
        ({"messages": [image(PNG)]}, {"vision"}),
        ({"modalities": ["text", "audio"], "audio": {"voice": "a"}}, {"audio_output"}),
        ({"n": 2}, {"several_answers"}),
        ({"n": 1}, set()),
        ({"prediction": {"type": "content", "content": "Hi"}}, {"prediction"}),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, {"tools", "custom_tools"}),
        ({"reasoning_effort": "high", "logprobs": True}, {"reasoning", "logprobs"}),
        ({"reasoning_effort": "none"}, set()),
        ({"web_search_options": {}}, {"web_search"}),
    ],
)
def test_a_request_says_what_a_model_must_be_able_to_do(fields: dict[str, Any], needs: set[str]) -> None:
    assert chat.needs(request(**fields)) == needs


def answer(**usage: Any) -> bytes:
    return msgspec.json.encode({"id": "c", "choices": [{"message": {"content": "Hi"}}], "usage": usage})


def test_usage_is_read_with_its_details() -> None:
    raw = answer(
        prompt_tokens=100,
        completion_tokens=50,
        total_tokens=150,
        prompt_tokens_details={"cached_tokens": 60, "cache_write_tokens": 10, "audio_tokens": 0},
        completion_tokens_details={"reasoning_tokens": 30},
    )
    assert chat.usage_of_body(raw) == Usage(100, 50, 60, 10, 0, 30)


def test_reasoning_counted_beside_the_completion_is_added_to_it() -> None:
    raw = answer(
        prompt_tokens=10, completion_tokens=5, total_tokens=35, completion_tokens_details={"reasoning_tokens": 20}
    )
    assert chat.usage_of_body(raw) == Usage(10, 25, 0, 0, 0, 20)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": 1, "completion_tokens": 10**12},
        {"prompt_tokens": 1.5, "completion_tokens": 5},
        {"prompt_tokens": 1, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 2}},
        {"prompt_tokens": 1, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 6}},
        {},
    ],
)
def test_usage_that_cannot_be_true_is_not_believed(usage: dict[str, Any]) -> None:
    assert chat.usage_of_body(answer(**usage)) is None


@pytest.mark.parametrize("raw", [b"", b"not json", b"[]", b"{}", b'{"usage":null}', b'{"a":"\xff"}'])
def test_a_body_without_usage_has_none(raw: bytes) -> None:
    assert chat.usage_of_body(raw) is None


def test_the_text_of_an_answer_is_its_first_choices() -> None:
    assert chat.answer_text(answer()) == "Hi"
    refused = msgspec.json.encode({"choices": [{"message": {"content": None, "refusal": "I cannot."}}]})
    assert chat.answer_text(refused) == "I cannot."
