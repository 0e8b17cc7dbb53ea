"""The responses wire: what is asked and refused, what is equal, what goes upstream, and streams that add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import (
    ResponseStreamEvent,
    response_create_params,
    response_includable,
    response_input_item_param,
    tool_param,
)
from pydantic import TypeAdapter
from typing_extensions import get_type_hints

from inference.api.intake import Arrival, read_call
from inference.domain import Call, Refusal, RefusalKind, RoutingMode, Wire
from inference.wire.fields import Here
from inference.wire.format import format_of
from inference.wire.responses.fields import FIELDS
from inference.wire.responses.request import SEALED_REASONING, with_sealed_reasoning
from inference.wire.sse import EventSplitter, data_of
from tests.inference.wire.sdk_shapes import _alternatives, _tags

WIRE = format_of(Wire.RESPONSES)
USER = {"role": "user", "content": "Why?"}
texts = st.text(max_size=200)


def ask(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt-6-luna", "input": "Why?", **fields}


def test_every_field_of_the_clients_own_type_is_classified() -> None:
    known = set(response_create_params.ResponseCreateParamsBase.__annotations__) | {"stream"}
    assert known == set(FIELDS[""])


@pytest.mark.parametrize(
    ("slot", "kinds"),
    [("tools", tool_param.ToolParam), ("input", response_input_item_param.ResponseInputItemParam)],
)
def test_every_kind_of_tool_and_of_item_is_classified(slot: str, kinds: Any) -> None:
    tags = {tag.get("type") for kind, _ in _alternatives(kinds) for tag in _told_by_type(kind)}
    assert tags - {None} == {shape.split(":")[1] for shape in FIELDS if shape.startswith(f"{slot}:")}


def _told_by_type(kind: Any) -> list[dict[str, Any]]:
    """A message is told by its role; what has a type of its own besides is told by that."""
    tags = _tags(kind)
    own = get_args(get_type_hints(kind, include_extras=True)["type"])
    told = [{"type": name} for hint in own for name in get_args(hint)] or [{"type": name} for name in own]
    return told if "role" in tags[0] else tags


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"service_tier": "ultrafast"}, "service_tier"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "tools[0].type"),
        ({"tools": [{"type": "code_interpreter", "container": "c_1"}]}, "tools[0].type"),
        ({"tools": [{"type": "image_generation"}]}, "tools[0].type"),
        ({"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]}, "tools[0].environment.type"),
        ({"tools": [{"type": "mcp", "server_label": "a", "tunnel_id": "t_1"}]}, "tools[0].tunnel_id"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"access_programs": {"cyber": "daybreak_red"}}, "access_programs"),
        ({"prompt_cache_options": {"comparison_response_id": "resp_1"}}, "prompt_cache_options.comparison_response_id"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}]},
         "input[0].content[0].file_id"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": [
            {"type": "input_file", "file_id": "file_1"}]}]}, "input[0].output[0].file_id"),
        ({"input": [{"type": "computer_call_output", "call_id": "c", "output": {
            "type": "computer_screenshot", "file_id": "file_1"}}]}, "input[0].output[0].file_id"),
        ({"input": [{"type": "additional_tools", "role": "developer", "tools": []}]}, "input[0].type"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "input[0].arguments"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"background": True, "store": False}, "background"),
        ({"stream_options": {"include_obfuscation": False}}, "stream_options"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"temperature": 3}, "temperature"),
    ],
)  # fmt: skip
def test_what_is_not_accepted_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    problem = WIRE.check(ask(**fields))
    assert problem is not None
    assert problem.param.startswith(param.split(".a", maxsplit=1)[0]), problem
    assert param.split("[", maxsplit=1)[0].split(".", maxsplit=1)[0] in problem.message


def test_what_the_table_refuses_is_refused() -> None:
    for name, rule in FIELDS[""].items():
        if rule.here is Here.REFUSES:
            value = rule.when[0] if isinstance(rule.when[0], str) else "x"
            problem = WIRE.check(ask(**{name: value}))
            assert problem is not None
            assert problem.param == name


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search"}, {"type": "web_search_preview"}, {"type": "custom", "name": "run"},
        {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}, {"type": "local_shell"},
        {"type": "apply_patch"}, {"type": "computer_use_preview"}, {"type": "shell", "environment": {"type": "local"}},
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True},
    ],
)  # fmt: skip
def test_tools_that_need_nothing_of_the_account_go_up_as_they_are(tool: dict[str, Any]) -> None:
    body = ask(tools=[tool])
    assert WIRE.check(body) is None
    assert msgspec.json.decode(WIRE.upstream_body(body, "m", stream=False))["tools"] == [tool]


def test_a_provider_is_asked_to_keep_nothing_and_told_no_ids_of_ours() -> None:
    body = ask(store=True, previous_response_id="resp_1", background=True, metadata={"a": "b"})
    sent = msgspec.json.decode(WIRE.upstream_body(body, "upstream", stream=True))
    assert sent == {"model": "upstream", "input": "Why?", "store": False, "stream": True}


def test_only_sealed_notes_go_up() -> None:
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
    bare = {"type": "reasoning", "id": "rs_2", "summary": []}
    sent = msgspec.json.decode(WIRE.upstream_body(ask(input=[sealed, bare, USER]), "m", stream=False))
    assert sent["input"] == [sealed, USER]


def test_a_model_that_reasons_is_asked_to_seal_its_notes_once() -> None:
    asked = with_sealed_reasoning(ask(include=["web_search_call.results"]))
    assert asked["include"] == ["web_search_call.results", SEALED_REASONING]
    assert with_sealed_reasoning(asked) == asked
    assert SEALED_REASONING in get_args(response_includable.ResponseIncludable)


@pytest.mark.parametrize(
    "alike",
    [
        ask(input=[{"role": "user", "content": "Why?"}]),
        ask(input=[{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Why?"}]}]),
        ask(input=[{"id": "msg_1", "status": "completed", "type": "message", "role": "user", "content": "Why?"}]),
        ask(store=False, metadata={"a": "b"}, user="u", stream=True, temperature=1.0, tools=[], truncation="disabled"),
    ],
)
def test_requests_that_ask_the_same_are_equal(alike: dict[str, Any]) -> None:
    assert WIRE.canonical(alike) == WIRE.canonical(ask())


@pytest.mark.parametrize(
    "other",
    [
        ask(input="Why not?"),
        ask(input=[{"role": "developer", "content": "Why?"}]),
        ask(input=[USER, USER]),
        ask(instructions="Be brief."),
        ask(reasoning={"effort": "high"}),
        ask(text={"format": {"type": "json_object"}}),
        ask(max_output_tokens=9),
        ask(include=["message.output_text.logprobs"]),
        ask(input=[{"role": "user", "content": [{"type": "input_text", "text": "Why?", "x": 1}]}]),
        ask(unknown_field=1),
    ],
)
def test_requests_that_ask_something_else_are_not_equal(other: dict[str, Any]) -> None:
    assert WIRE.canonical(other) != WIRE.canonical(ask())


def test_the_bound_covers_media_and_tools() -> None:
    url = "data:image/png;base64," + "A" * 40_000
    image = ask(input=[{"role": "user", "content": [{"type": "input_image", "image_url": url, "detail": "auto"}]}])
    raw = len(msgspec.json.encode(image))
    assert 0 < WIRE.input_token_bound(image, raw) < raw
    assert WIRE.input_token_bound(ask(tools=[{"type": "web_search"}]), 100) > 50_000


parts = st.one_of(
    st.builds(lambda text: {"type": "output_text", "text": text, "annotations": [], "logprobs": []}, texts),
    st.builds(lambda text: {"type": "refusal", "refusal": text}, texts),
)
items = st.one_of(
    st.builds(lambda content: {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
                               "content": content}, st.lists(parts, max_size=2)),
    st.builds(lambda text: {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": text,
                            "status": "completed"}, texts),
    st.builds(lambda text: {"id": "ctc_1", "type": "custom_tool_call", "call_id": "c", "name": "f", "input": text},
              texts),
    st.builds(lambda text: {"id": "rs_1", "type": "reasoning", "encrypted_content": "x",
                            "summary": [{"type": "summary_text", "text": text}]}, texts),
    st.just({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}}),
    st.just({"id": "cu_1", "type": "computer_call", "call_id": "c", "status": "completed"}),
)  # fmt: skip
responses = st.builds(
    lambda output, status: {
        "id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m", "output": output,
        "error": None, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5,
                  "input_tokens_details": {"cached_tokens": 1}, "output_tokens_details": {"reasoning_tokens": 1}},
    },
    st.lists(items, max_size=4), st.sampled_from(["completed", "incomplete"]),
)  # fmt: skip
stream_events: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


@given(responses, st.integers(1, 400))
def test_a_replayed_answer_adds_up_to_itself_however_it_is_cut(answer: dict[str, Any], size: int) -> None:
    raw = msgspec.json.encode(answer)
    stream = b"".join(WIRE.replay(raw, include_usage=False))
    reader, splitter = WIRE.read_stream(), EventSplitter()
    for start in range(0, len(stream), size):
        for event in splitter.feed(stream[start : start + size]):
            assert reader.feed(event)
    assert reader.finished
    assert reader.error is None
    assert reader.usage == WIRE.usage_of_body(raw)
    assembled = reader.assemble()
    assert assembled is not None
    assert msgspec.json.decode(assembled) == answer


@given(responses)
def test_every_replayed_event_is_one_that_the_client_knows_and_numbered(answer: dict[str, Any]) -> None:
    events = [
        msgspec.json.decode(data_of(event)) for event in WIRE.replay(msgspec.json.encode(answer), include_usage=True)
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    known = {literal for kind in get_args(get_args(ResponseStreamEvent)[0])
             for literal in get_args(kind.model_fields["type"].annotation)}  # fmt: skip
    assert {event["type"] for event in events} <= known


@given(responses)
def test_the_text_of_a_stream_that_broke_off_is_known(answer: dict[str, Any]) -> None:
    reader = WIRE.read_stream()
    *events, _ = WIRE.replay(msgspec.json.encode(answer), include_usage=True)
    for event in events:
        reader.feed(event)
    assert not reader.finished
    assert reader.assemble() is None
    assert WIRE.answer_text(msgspec.json.encode(answer)) in reader.text() or len(answer["output"]) > 1


def test_a_failed_response_is_an_error_and_no_answer() -> None:
    reader = WIRE.read_stream()
    failed = {"type": "response.failed", "response": {"output": [], "error": {"code": "server_error", "message": "m"}}}
    reader.feed(b"event: response.failed\ndata: %b\n\n" % msgspec.json.encode(failed))
    assert reader.finished
    assert reader.error is not None
    assert reader.assemble() is None


def test_a_stream_that_lost_an_item_is_not_taken_for_whole() -> None:
    answer = {"output": [{"id": "msg_1", "type": "message", "content": []}], "status": "completed"}
    *events, last = WIRE.replay(msgspec.json.encode(answer), include_usage=True)
    reader = WIRE.read_stream()
    for event in (*events, last.replace(b'"output":[{', b'"output":[],"other":[{')):
        reader.feed(event)
    assert reader.finished
    assert reader.assemble() is None


def test_an_error_in_a_stream_is_an_event_of_this_wire() -> None:
    event = WIRE.error_event(RefusalKind.PROVIDER_FAILED, "it broke", request_id="req_1")
    assert event.startswith(b"event: error\n")
    said = stream_events.validate_python(msgspec.json.decode(data_of(event)))
    assert (said.type, said.message, said.code) == ("error", "it broke", "provider_failed")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"input": [USER, {"type": "item_reference", "id": "msg_1"}]}, "input[1].type"),
        ({"input": [{"id": "msg_1"}]}, "input[0].type"),
    ],
)
def test_a_call_by_itself_refers_to_nothing_that_is_kept(fields: dict[str, Any], param: str) -> None:
    arrival = Arrival("req_1", 0.0, msgspec.json.encode(ask(**fields)), {})
    refused = read_call(arrival, Wire.RESPONSES, RoutingMode.AUTOPILOT, "org")
    assert isinstance(refused, Refusal)
    assert refused.details == {"param": param}
    assert isinstance(read_call(replace(arrival, raw=msgspec.json.encode(ask())), Wire.RESPONSES,
                                RoutingMode.AUTOPILOT, "org"), Call)  # fmt: skip
