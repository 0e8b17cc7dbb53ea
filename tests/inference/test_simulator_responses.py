"""The official OpenAI SDK against the simulated responses."""

from __future__ import annotations

import json
import time
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.inference.simulator_process import KEY, RunningSimulator

MODEL = "gpt-6-luna"
QUESTION = "What is the capital of France?"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
SHELL: Any = {"type": "custom", "name": "run_shell"}


def respond(client: openai.OpenAI, question: Any = QUESTION, **more: Any) -> Any:
    return client.responses.create(**{"model": MODEL, "input": question} | more)


def test_an_answer_speaks_of_the_question_and_is_counted(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    answer = respond(openai_client, extra_headers={"x-client-request-id": "req_abc"})

    assert "France" in answer.output_text
    assert (answer.status, answer.object, answer.model) == ("completed", "response", MODEL)
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    [call] = simulator.calls()
    assert (call["id"], call["path"], call["metadata"]) == (answer.id, "/openai/v1/responses", "req_abc")
    assert (call["input_tokens"], call["output_tokens"]) == (answer.usage.input_tokens, answer.usage.output_tokens)
    assert simulator.stats()["by_model"][MODEL]["output_tokens"] == answer.usage.output_tokens


def test_the_same_request_gets_the_same_text_whole_or_streamed(openai_client: openai.OpenAI) -> None:
    first, second = respond(openai_client), respond(openai_client)
    events = list(respond(openai_client, stream=True))

    assert first.output_text == second.output_text
    assert first.id != second.id
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == first.output_text
    assert events[-1].response.usage == first.usage


def test_a_stream_has_every_event_in_order_and_numbered(openai_client: openai.OpenAI) -> None:
    events = list(respond(openai_client, stream=True))
    names = [event.type for event in events]

    assert names[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert set(names[4:-4]) == {"response.output_text.delta"}
    assert names[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].response.status == "in_progress"
    assert events[-1].response.output[0].id == events[2].item.id


def test_the_sdk_s_own_stream_helper_builds_the_response(openai_client: openai.OpenAI) -> None:
    with openai_client.responses.stream(model=MODEL, input=QUESTION) as stream:
        final = stream.get_final_response()

    assert final.output_text == respond(openai_client).output_text


def test_a_streamed_response_is_counted_as_it_told(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    *_, last = respond(openai_client, stream=True, reasoning={"effort": "low", "summary": "auto"})

    [call] = simulator.wait_for_calls(1)
    assert (call["output_tokens"], call["reasoning_tokens"]) == (
        last.response.usage.output_tokens,
        last.response.usage.output_tokens_details.reasoning_tokens,
    )
    assert call["reasoning_tokens"] > 0


def test_a_reasoning_model_gives_its_reasoning_sealed_on_request(openai_client: openai.OpenAI) -> None:
    answer = respond(openai_client, include=["reasoning.encrypted_content"], store=False)

    thought, message = answer.output
    assert (thought.type, message.type) == ("reasoning", "message")
    assert thought.encrypted_content
    assert answer.usage.output_tokens_details.reasoning_tokens > 0
    again = respond(
        openai_client, [{"role": "user", "content": "a"}, thought, message, {"role": "user", "content": "b"}]
    )
    assert again.status == "completed"
    forged = thought.model_dump() | {"encrypted_content": "gAAAAAforeign"}
    with pytest.raises(openai.BadRequestError, match="could not be verified"):
        respond(openai_client, [forged, {"role": "user", "content": "b"}])


def test_reasoning_is_summarised_on_request(openai_client: openai.OpenAI) -> None:
    asked = {"reasoning": {"effort": "high", "summary": "auto"}}
    answer = respond(openai_client, **asked)
    events = list(respond(openai_client, stream=True, **asked))

    summary = answer.output[0].summary[0].text
    deltas = [event.delta for event in events if event.type == "response.reasoning_summary_text.delta"]
    assert "".join(deltas) == summary != ""
    assert respond(openai_client, reasoning={"effort": "high"}).output[0].summary == []


def test_a_tool_is_called_and_its_result_answered(openai_client: openai.OpenAI) -> None:
    turns: list[Any] = [{"role": "user", "content": "Use get_weather for Paris"}]
    first = respond(openai_client, turns, tools=[WEATHER])
    [call] = first.output
    events = list(respond(openai_client, turns, tools=[WEATHER], stream=True))

    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "get_weather", {"city": "Paris"})
    deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    done = [event.arguments for event in events if event.type == "response.function_call_arguments.done"]
    assert "".join(deltas) == done[0] == call.arguments
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"}
    assert respond(openai_client, [*turns, call, output], tools=[WEATHER]).output_text
    assert respond(openai_client, [output], previous_response_id=first.id, tools=[WEATHER]).output_text


def test_a_custom_tool_gets_free_text(openai_client: openai.OpenAI) -> None:
    [call] = respond(openai_client, "Use run_shell to list files", tools=[SHELL]).output
    events = list(respond(openai_client, "Use run_shell to list files", tools=[SHELL], stream=True))

    assert (call.type, call.name) == ("custom_tool_call", "run_shell")
    deltas = [event.delta for event in events if event.type == "response.custom_tool_call_input.delta"]
    assert "".join(deltas) == call.input != ""
    result = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "a.txt"}
    assert respond(openai_client, [call, result], tools=[SHELL]).output_text


def test_a_named_or_required_tool_is_called(openai_client: openai.OpenAI) -> None:
    named = respond(openai_client, tools=[WEATHER, SHELL], tool_choice={"type": "custom", "name": "run_shell"})
    required = respond(openai_client, tools=[WEATHER], tool_choice="required")
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "run_shell"}]}

    assert [item.name for item in named.output] == ["run_shell"]
    assert [item.name for item in required.output] == ["get_weather"]
    assert [item.name for item in respond(openai_client, tools=[WEATHER, SHELL], tool_choice=allowed).output] == [
        "run_shell"
    ]


class City(BaseModel):
    name: str
    inhabitants: int


def test_an_answer_in_a_schema_is_parsed_by_the_sdk(openai_client: openai.OpenAI) -> None:
    parsed = openai_client.responses.parse(model=MODEL, input=QUESTION, text_format=City)

    assert isinstance(parsed.output_parsed, City)


def test_an_answer_that_is_cut_is_incomplete(openai_client: openai.OpenAI) -> None:
    cut = respond(openai_client, max_output_tokens=16)
    *_, last = respond(openai_client, max_output_tokens=16, stream=True)

    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert cut.usage.output_tokens == 16
    assert (last.type, last.response.output[-1].status) == ("response.incomplete", "incomplete")


def test_an_earlier_response_is_read_again_and_paid_for(openai_client: openai.OpenAI) -> None:
    first = respond(openai_client)
    second = respond(openai_client, "And of Spain?", previous_response_id=first.id)

    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > first.usage.input_tokens + first.usage.output_tokens
    third = respond(openai_client, "And?", previous_response_id=second.id)
    assert third.usage.input_tokens > second.usage.input_tokens + second.usage.output_tokens


def test_a_conversation_remembers_its_turns(openai_client: openai.OpenAI) -> None:
    first = respond(openai_client, conversation="conv_1")
    second = respond(openai_client, "And of Spain?", conversation={"id": "conv_1"})

    assert second.conversation.id == "conv_1"
    assert second.usage.input_tokens > first.usage.input_tokens + first.usage.output_tokens


def test_a_response_is_kept_until_it_is_deleted(openai_client: openai.OpenAI) -> None:
    made = respond(openai_client, [{"role": "user", "content": "One"}, {"role": "user", "content": "Two"}])
    items = openai_client.responses.input_items.list(made.id, order="asc", limit=1)

    assert openai_client.responses.retrieve(made.id).output_text == made.output_text
    assert [item.content[0].text for item in items] == ["One", "Two"]
    openai_client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        openai_client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError, match="not found"):
        respond(openai_client, previous_response_id=made.id)


def test_a_response_that_is_not_stored_is_forgotten(openai_client: openai.OpenAI) -> None:
    made = respond(openai_client, store=False)

    with pytest.raises(openai.NotFoundError):
        openai_client.responses.retrieve(made.id)


def test_a_response_in_the_background_is_done_later_and_counted_then(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    simulator.pace(seconds=0.6)
    queued = respond(openai_client, background=True)
    assert (queued.status, queued.output, simulator.calls()) == ("queued", [], [])

    [call] = simulator.wait_for_calls(1)
    done = openai_client.responses.retrieve(queued.id)
    assert (done.status, done.usage.output_tokens) == ("completed", call["output_tokens"])
    assert respond(openai_client, "And?", previous_response_id=queued.id).usage.input_tokens > done.usage.total_tokens


def test_a_response_in_the_background_can_be_cancelled(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    simulator.pace(seconds=0.6)
    queued = respond(openai_client, background=True)

    assert openai_client.responses.cancel(queued.id).status == "cancelled"
    time.sleep(0.8)
    assert openai_client.responses.retrieve(queued.id).status == "cancelled"
    assert simulator.calls() == []
    with pytest.raises(openai.BadRequestError, match="synchronous"):
        openai_client.responses.cancel(respond(openai_client).id)


def test_a_long_prompt_is_cached_as_in_chat(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    long = "Read this. " + "word " * 1500
    respond(openai_client, long)
    again = respond(openai_client, long)

    assert again.usage.input_tokens_details.cached_tokens >= 1024
    assert simulator.calls()[-1]["cached_input_tokens"] == again.usage.input_tokens_details.cached_tokens


@pytest.mark.parametrize(
    ("asked", "served"), [("flex", "flex"), ("priority", "priority"), ("fast", "priority"), ("auto", "default")]
)
def test_the_tier_is_told_and_entered(
    openai_client: openai.OpenAI, simulator: RunningSimulator, asked: str, served: str
) -> None:
    assert respond(openai_client, service_tier=asked).service_tier == served
    assert simulator.calls()[-1]["service"] == served
    assert list(simulator.stats()["by_service"]) == [served]


def test_a_search_is_shown_cited_and_counted(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    search: Any = {"type": "web_search"}
    plain = respond(openai_client)
    found = respond(openai_client, tools=[search], include=["web_search_call.action.sources"])
    names = [event.type for event in respond(openai_client, tools=[search], stream=True)]

    call, message = found.output
    [cited] = message.content[0].annotations
    assert call.action.sources[0].url == cited.url
    assert message.content[0].text[cited.start_index : cited.end_index].endswith(".")
    assert found.usage.input_tokens > plain.usage.input_tokens
    assert "response.web_search_call.searching" in names
    assert "response.output_text.annotation.added" in names
    assert [one["web_searches"] for one in simulator.wait_for_calls(3)] == [0, 1, 1]


def test_input_tokens_are_counted_without_an_answer(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    counted = openai_client.responses.input_tokens.count(model=MODEL, input=QUESTION)

    assert simulator.calls() == []
    assert counted.input_tokens == respond(openai_client).usage.input_tokens


def test_a_provider_that_copies_the_protocol_takes_fields_of_its_own(simulator: RunningSimulator) -> None:
    with openai.OpenAI(base_url=f"{simulator.url}/compat/some-server/v1", api_key=KEY) as client:
        answer = client.responses.create(model="some-model", input=QUESTION, extra_body={"house_rule": 1})

    assert answer.status == "completed"
    assert simulator.calls()[-1]["provider"] == "some-server"


def test_faults_meet_responses_too(simulator: RunningSimulator, openai_client: openai.OpenAI) -> None:
    simulator.spoil("error_event", after_chunks=6)
    events = list(respond(openai_client, stream=True))
    assert events[-1].type == "error"
    simulator.spoil("bad_usage", usage="missing")
    assert list(respond(openai_client, stream=True))[-1].response.usage is None

    counted = [(call["fault"], call["worked_output_tokens"]) for call in simulator.wait_for_calls(2)]
    assert counted[0] == ("error_event", 2)
    assert counted[1][1] > 20


def test_a_response_can_fail_by_its_own_account(simulator: RunningSimulator, openai_client: openai.OpenAI) -> None:
    simulator.spoil("failed", after_chunks=6)
    *_, last = respond(openai_client, stream=True)
    whole = respond(openai_client)

    assert (last.type, last.response.status, last.response.usage) == ("response.failed", "failed", None)
    assert (whole.status, whole.error.code, whole.output) == ("failed", "server_error", [])
    streamed, answered = simulator.wait_for_calls(2)
    assert (streamed["fault"], streamed["worked_output_tokens"]) == ("failed", 2)
    assert (answered["output_tokens"], answered["worked_output_tokens"] > 20) == (0, True)


def test_a_streamed_response_in_the_background_is_queued_first(openai_client: openai.OpenAI) -> None:
    events = list(respond(openai_client, stream=True, background=True))

    assert [event.type for event in events[:3]] == ["response.created", "response.queued", "response.in_progress"]
    assert openai_client.responses.retrieve(events[-1].response.id).status == "completed"
