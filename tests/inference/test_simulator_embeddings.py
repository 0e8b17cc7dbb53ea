"""The official OpenAI SDK against the simulated embeddings."""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.inference.simulator_process import KEY, RunningSimulator

MODEL = "text-embedding-3-small"


def cosine(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def test_vectors_have_the_model_s_size_and_length_one(openai_client: openai.OpenAI) -> None:
    small = openai_client.embeddings.create(model=MODEL, input="The house is red.").data[0].embedding
    large = openai_client.embeddings.create(model="text-embedding-3-large", input="The house is red.").data[0].embedding

    assert (len(small), len(large)) == (1536, 3072)
    assert math.isclose(cosine(small, small), 1, rel_tol=1e-6)
    assert math.isclose(cosine(large, large), 1, rel_tol=1e-6)


def test_a_text_has_the_same_vector_alone_and_among_others(openai_client: openai.OpenAI) -> None:
    alone = openai_client.embeddings.create(model=MODEL, input="second")
    among = openai_client.embeddings.create(model=MODEL, input=["first", "second"])

    assert among.data[1].embedding == alone.data[0].embedding
    assert [item.index for item in among.data] == [0, 1]
    assert among.usage.prompt_tokens == 2 * alone.usage.prompt_tokens


def test_texts_that_share_words_are_nearer_than_texts_that_do_not(openai_client: openai.OpenAI) -> None:
    texts = ["how do I reset my password", "please reset my password now", "the weather in Lisbon is mild"]
    one, near, far = (item.embedding for item in openai_client.embeddings.create(model=MODEL, input=texts).data)

    assert cosine(one, near) > cosine(one, far) + 0.2


def test_base64_carries_the_same_numbers(simulator: RunningSimulator) -> None:
    def embedding(encoding: str) -> Any:
        body = {"model": MODEL, "input": "x", "encoding_format": encoding}
        headers = {"authorization": f"Bearer {KEY}"}
        return httpx.post(f"{simulator.url}/openai/v1/embeddings", headers=headers, json=body).json()["data"][0][
            "embedding"
        ]

    plain = embedding("float")
    packed = array("f", base64.b64decode(embedding("base64")))

    assert len(packed) == len(plain)
    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(packed, plain, strict=True))


def test_fewer_dimensions_are_the_first_ones_scaled(openai_client: openai.OpenAI) -> None:
    full = openai_client.embeddings.create(model=MODEL, input="x").data[0].embedding
    short = openai_client.embeddings.create(model=MODEL, input="x", dimensions=256).data[0].embedding

    assert len(short) == 256
    assert math.isclose(cosine(short, short), 1, rel_tol=1e-6)
    scale = short[0] / full[0]
    assert all(math.isclose(b, a * scale, abs_tol=1e-5) for a, b in zip(full, short, strict=False))


def test_tokens_stand_for_their_text(openai_client: openai.OpenAI) -> None:
    hello_world = [13225, 2375]
    by_text = openai_client.embeddings.create(model=MODEL, input="Hello world")
    by_tokens = openai_client.embeddings.create(model=MODEL, input=hello_world)
    by_lists = openai_client.embeddings.create(model=MODEL, input=[hello_world, hello_world])

    assert by_tokens.data[0].embedding == by_text.data[0].embedding == by_lists.data[1].embedding
    assert by_tokens.usage.prompt_tokens == 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"input": ""}, 400),
        ({"input": []}, 400),
        ({"input": [""]}, 400),
        ({"input": [1.5]}, 400),
        ({"input": [[1, "a"]]}, 400),
        ({"input": [10**6]}, 400),
        ({"input": {"text": "x"}}, 400),
        ({"input": "word " * 9000}, 400),
        ({"input": ["word " * 8000] * 40}, 400),
        ({"dimensions": 1537}, 400),
        ({"dimensions": 0}, 400),
        ({"encoding_format": "hex"}, 400),
        ({"model": "text-embedding-ada-002", "dimensions": 256}, 400),
        ({"truncate": "END"}, 400),
        ({"model": "gpt-6-luna"}, 404),
    ],
)
def test_what_openai_refuses_is_refused(simulator: RunningSimulator, change: dict[str, Any], status: int) -> None:
    headers = {"authorization": f"Bearer {KEY}"}
    body = {"model": MODEL, "input": "x"} | change
    response = httpx.post(f"{simulator.url}/openai/v1/embeddings", headers=headers, json=body)

    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_an_embedding_is_entered_with_its_tokens(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    used = openai_client.embeddings.create(model=MODEL, input="How long is this?").usage.prompt_tokens

    [call] = simulator.calls()
    assert (call["path"], call["model"], call["input_tokens"]) == ("/openai/v1/embeddings", MODEL, used)


def test_many_texts_keep_their_order_and_share_one_bill(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    texts = [f"Text number {number}" for number in range(200)]
    answer = openai_client.embeddings.create(model=MODEL, input=texts, dimensions=64)

    assert [item.index for item in answer.data] == list(range(200))
    assert len({tuple(item.embedding) for item in answer.data}) == 200
    [call] = simulator.calls()
    assert (call["input_tokens"], call["output_tokens"]) == (answer.usage.total_tokens, 0)


def test_token_lists_may_stand_beside_texts_of_other_requests(openai_client: openai.OpenAI) -> None:
    lists = openai_client.embeddings.create(model=MODEL, input=[[13225, 2375], [13225]])

    assert lists.usage.prompt_tokens == 3
    assert lists.data[0].embedding != lists.data[1].embedding


@pytest.fixture
def compatible(simulator: RunningSimulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{simulator.url}/compat/cohere/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_cohere_s_copy_of_the_protocol_gives_cohere_s_vectors(
    compatible: openai.OpenAI, cohere_client: Any, simulator: RunningSimulator
) -> None:
    text = "The house is red."
    native = cohere_client.embed(
        model="embed-v4.0", texts=[text], input_type="search_document", embedding_types=["float"], output_dimension=512
    )
    copied = compatible.embeddings.create(model="embed-v4.0", input=[text], dimensions=512)

    assert all(
        math.isclose(a, b, abs_tol=1e-6)
        for a, b in zip(copied.data[0].embedding, native.embeddings.float_[0], strict=True)
    )
    assert [call["provider"] for call in simulator.calls()] == ["cohere", "cohere"]
    assert {call["input_tokens"] for call in simulator.calls()} == {copied.usage.prompt_tokens}


def test_cohere_s_copy_takes_fields_of_its_own_and_its_own_sizes_only(compatible: openai.OpenAI) -> None:
    answer = compatible.embeddings.create(
        model="embed-english-v3.0", input="x", extra_body={"input_type": "search_query"}
    )
    assert len(answer.data[0].embedding) == 1024
    with pytest.raises(openai.BadRequestError):
        compatible.embeddings.create(model="embed-v4.0", input="x", dimensions=300)
    with pytest.raises(openai.BadRequestError):
        compatible.embeddings.create(model="embed-english-v3.0", input="x", dimensions=512)
    with pytest.raises(openai.NotFoundError):
        compatible.embeddings.create(model="text-embedding-3-small", input="x")


@pytest.mark.parametrize("model", ["embed-v4.0", "embed-english-v3.0"])
def test_cohere_s_vectors_are_nearer_for_texts_that_share_words(compatible: openai.OpenAI, model: str) -> None:
    texts = ["How do I reset my password?", "Please reset my password now", "The weather in Lisbon is mild"]
    one, near, far = (item.embedding for item in compatible.embeddings.create(model=model, input=texts).data)

    assert cosine(one, near) > cosine(one, far) + 0.2
