"""The official OpenAI SDK against the simulated chat completions."""

from __future__ import annotations

import openai
import pytest

from tests.inference.simulator_process import KEY, RunningSimulator, start_simulator

MODEL = "gpt-6-luna"
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


def test_an_answer_speaks_of_the_question_and_says_that_it_is_simulated(openai_client: openai.OpenAI) -> None:
    answer = openai_client.chat.completions.create(model=MODEL, messages=QUESTION)

    text = answer.choices[0].message.content or ""
    assert "France" in text
    assert "simulated" in text.lower()
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == MODEL
    assert answer.id.startswith("chatcmpl-")


def test_usage_adds_up_and_is_of_a_plausible_size(openai_client: openai.OpenAI) -> None:
    usage = openai_client.chat.completions.create(model=MODEL, messages=QUESTION).usage

    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert 10 <= usage.prompt_tokens <= 20
    assert 20 <= usage.completion_tokens <= 110


def test_the_same_request_gets_the_same_text_under_another_id(openai_client: openai.OpenAI) -> None:
    first, second = (openai_client.chat.completions.create(model=MODEL, messages=QUESTION) for _ in range(2))

    assert first.choices[0].message.content == second.choices[0].message.content
    assert first.id != second.id


@pytest.mark.parametrize(
    "change",
    [
        {"model": "gpt-5.4-mini"},
        {"messages": [{"role": "user", "content": "What is the capital of Spain?"}]},
        {"messages": [{"role": "system", "content": "Be brief."}, *QUESTION]},
        {"temperature": 0.5},
    ],
)
def test_another_request_gets_another_text(openai_client: openai.OpenAI, change: dict[str, object]) -> None:
    base = {"model": MODEL, "messages": QUESTION}
    texts = {
        openai_client.chat.completions.create(**request).choices[0].message.content for request in (base, base | change)
    }

    assert len(texts) == 2


def test_another_seed_gives_another_text(openai_client: openai.OpenAI) -> None:
    here = openai_client.chat.completions.create(model=MODEL, messages=QUESTION)
    with (
        start_simulator("--seed", "7") as other,
        openai.OpenAI(base_url=f"{other.url}/openai/v1", api_key=KEY) as client,
    ):
        there = client.chat.completions.create(model=MODEL, messages=QUESTION)

    assert here.choices[0].message.content != there.choices[0].message.content


def test_a_stream_says_the_same_as_a_whole_answer_one_token_a_chunk(openai_client: openai.OpenAI) -> None:
    whole = openai_client.chat.completions.create(model=MODEL, messages=QUESTION)
    chunks = list(openai_client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True))

    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert "".join(said) == whole.choices[0].message.content
    assert whole.usage is not None
    assert len(said) == whole.usage.completion_tokens
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1


def test_usage_comes_in_a_last_chunk_of_its_own_and_is_null_before(openai_client: openai.OpenAI) -> None:
    whole = openai_client.chat.completions.create(model=MODEL, messages=QUESTION)
    with openai_client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    ) as response:
        lines = [line for line in response.iter_lines() if line]
        headers = response.headers

    assert headers["x-request-id"].startswith("req_")
    assert headers["content-type"].startswith("text/event-stream")
    assert int(headers["openai-processing-ms"]) >= 0
    assert lines[-1] == "data: [DONE]"
    assert '"choices":[],"usage":{' in lines[-2]
    assert whole.usage is not None
    assert f'"completion_tokens":{whole.usage.completion_tokens}' in lines[-2]
    assert all('"usage":null' in line for line in lines[:-2])


def test_without_being_asked_a_stream_has_no_usage(openai_client: openai.OpenAI) -> None:
    chunks = list(openai_client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True))

    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_a_limited_answer_is_the_start_of_the_full_one(openai_client: openai.OpenAI, limit: str) -> None:
    full = openai_client.chat.completions.create(model=MODEL, messages=QUESTION)
    cut = openai_client.chat.completions.create(model=MODEL, messages=QUESTION, **{limit: 6})

    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 6
    assert (full.choices[0].message.content or "").startswith(cut.choices[0].message.content or "nothing")


def test_a_stop_sequence_ends_the_answer_and_is_not_part_of_it(openai_client: openai.OpenAI) -> None:
    full = openai_client.chat.completions.create(model=MODEL, messages=QUESTION).choices[0].message.content or ""
    word = full.split()[4]
    stopped = openai_client.chat.completions.create(model=MODEL, messages=QUESTION, stop=["never", word])

    assert stopped.choices[0].message.content == full[: full.index(word)]
    assert stopped.choices[0].finish_reason == "stop"


def test_several_choices_differ_and_are_all_counted(openai_client: openai.OpenAI) -> None:
    one = openai_client.chat.completions.create(model=MODEL, messages=QUESTION)
    three = openai_client.chat.completions.create(model=MODEL, messages=QUESTION, n=3)

    texts = [choice.message.content for choice in three.choices]
    assert len(set(texts)) == 3
    assert texts[0] == one.choices[0].message.content
    assert three.usage is not None
    assert one.usage is not None
    assert three.usage.completion_tokens > 2 * one.usage.completion_tokens - 60
    assert three.usage.prompt_tokens == one.usage.prompt_tokens


def test_reasoning_is_billed_and_not_shown(openai_client: openai.OpenAI) -> None:
    answer = openai_client.chat.completions.create(model=MODEL, messages=QUESTION, reasoning_effort="high")

    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    reasoning = answer.usage.completion_tokens_details.reasoning_tokens or 0
    assert reasoning > 100
    assert answer.usage.completion_tokens > reasoning


def test_logprobs_cover_every_token_of_the_text(openai_client: openai.OpenAI) -> None:
    answer = openai_client.chat.completions.create(model=MODEL, messages=QUESTION, logprobs=True, top_logprobs=3)

    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert "".join(entry.token for entry in logprobs.content or ()) == answer.choices[0].message.content
    assert all(len(entry.top_logprobs) == 3 and entry.logprob <= 0 for entry in logprobs.content or ())


def test_pictures_and_files_are_taken_and_cost_tokens(openai_client: openai.OpenAI) -> None:
    text = {"type": "text", "text": "What is in this picture of Lisbon?"}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    plain = openai_client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": [text]}])
    seen = openai_client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": [text, image]}])

    assert "Lisbon" in (seen.choices[0].message.content or "")
    assert plain.usage is not None
    assert seen.usage is not None
    assert seen.usage.prompt_tokens > plain.usage.prompt_tokens + 100


def test_a_text_and_the_same_text_in_one_part_are_the_same_request(openai_client: openai.OpenAI) -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": QUESTION[0]["content"]}]}]
    one = openai_client.chat.completions.create(model=MODEL, messages=QUESTION)
    other = openai_client.chat.completions.create(model=MODEL, messages=parts)

    assert one.choices[0].message.content == other.choices[0].message.content
    assert one.usage == other.usage


def test_models_are_listed_and_found(openai_client: openai.OpenAI) -> None:
    names = {model.id for model in openai_client.models.list()}

    assert {"gpt-6-luna", "gpt-6.1-sol", "text-embedding-3-small"} <= names
    assert openai_client.models.retrieve("gpt-6-luna").owned_by == "openai"


def test_a_compatible_provider_speaks_openai_and_serves_its_registered_models(simulator: RunningSimulator) -> None:
    with openai.OpenAI(base_url=f"{simulator.url}/compat/groq/v1", api_key=KEY, max_retries=0) as client:
        answer = client.chat.completions.create(
            model="openai/gpt-oss-120b", messages=QUESTION, extra_body={"include_reasoning": False}
        )
        assert answer.choices[0].message.content
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="gpt-6-luna", messages=QUESTION)

    assert [call["provider"] for call in simulator.calls()] == ["groq"]


def test_a_private_server_serves_any_model(simulator: RunningSimulator) -> None:
    with openai.OpenAI(base_url=f"{simulator.url}/compat/our-vllm/v1", api_key=KEY, max_retries=0) as client:
        assert client.chat.completions.create(model="our-llama", messages=QUESTION).choices[0].message.content


def test_what_does_not_shape_an_answer_does_not_change_it(openai_client: openai.OpenAI) -> None:
    plain = openai_client.chat.completions.create(model=MODEL, messages=QUESTION)
    reordered = [{"content": QUESTION[0]["content"], "role": "user"}]
    other = openai_client.chat.completions.create(
        messages=reordered,
        model=MODEL,
        user="someone",
        metadata={"trace": "1"},
        store=False,
        prompt_cache_key="key",
        max_completion_tokens=1000,
    )

    assert other.choices[0].message.content == plain.choices[0].message.content
