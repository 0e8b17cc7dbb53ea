"""What the benchmark sends and what its mock provider says."""

from __future__ import annotations

import itertools
import json

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from inference.bench import wire
from inference.bench.target import Target, Workload


def test_questions_with_different_numbers_differ():
    numbers = [*range(5_000), *range(2**32 - 5_000, 2**32), *(500_000 * take for take in range(1, 2_000))]
    assert len({wire.subject(number) for number in numbers}) == len(set(numbers))


def test_a_repeated_workload_asks_the_same_and_a_distinct_one_never_does():
    repeated = list(itertools.islice(Workload("m", 7, distinct=False).bodies(), 3))
    distinct = list(itertools.islice(Workload("m", 7, distinct=True).bodies(), 3))
    assert repeated == [distinct[0]] * 3
    assert len(set(distinct)) == 3


def test_a_question_is_a_chat_request_that_names_its_model():
    body = json.loads(next(Workload("gpt-x", 1, distinct=True).bodies(stream=True)))
    assert body["model"] == "gpt-x"
    assert body["stream"] is True
    assert wire.subject(1) in body["messages"][-1]["content"]


def test_a_request_says_how_long_its_body_is_and_who_asks():
    request = Target("gateway", 80, headers=(("authorization", "Bearer k"),)).request(b"four")
    head, _, body = request.partition(b"\r\n\r\n")
    assert body == b"four"
    assert b"\r\ncontent-length: 4" in head
    assert b"\r\nauthorization: Bearer k" in head


def test_the_answer_is_one_that_the_openai_client_reads():
    answer = ChatCompletion.model_validate_json(wire.answer_body())
    assert answer.usage is not None
    assert answer.usage.completion_tokens == wire.ANSWER_TOKENS
    assert answer.choices[0].finish_reason == "stop"


def test_the_stream_is_one_that_the_openai_client_reads():
    events = wire.stream_events()
    assert len(events) == wire.STREAM_CHUNKS
    lines = [line.removeprefix("data: ") for line in b"".join(events).decode().split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    chunks = [ChatCompletionChunk.model_validate_json(line) for line in lines[:-1]]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
