"""The official `openai` client, asking for vectors."""

from __future__ import annotations

import math

import openai
import pytest

from tests.served import Tenant

SMALL = "text-embedding-3-small"


def test_a_text_becomes_a_vector_of_length_one(gpt: openai.OpenAI, tenant: Tenant) -> None:
    answer = gpt.embeddings.create(model=SMALL, input="the sea")
    assert (answer.object, answer.model) == ("list", SMALL)
    [item] = answer.data
    assert (item.object, item.index, len(item.embedding)) == ("embedding", 0, 1536)
    assert math.hypot(*item.embedding) == pytest.approx(1, abs=1e-3)
    assert tenant.ledger(1)[0].input_tokens == answer.usage.prompt_tokens == answer.usage.total_tokens


def test_the_client_s_packed_form_and_plain_numbers_say_the_same(gpt: openai.OpenAI) -> None:
    packed = gpt.embeddings.create(model=SMALL, input="the sea").data[0].embedding
    plain = gpt.embeddings.create(model=SMALL, input="the sea", encoding_format="float").data[0].embedding
    assert packed == pytest.approx(plain, abs=1e-6)


def test_several_texts_keep_their_order(gpt: openai.OpenAI) -> None:
    texts = ["the sea", "the wind", "the sea"]
    data = gpt.embeddings.create(model=SMALL, input=texts).data
    assert [item.index for item in data] == [0, 1, 2]
    assert data[0].embedding == data[2].embedding != data[1].embedding


def test_a_vector_is_as_long_as_asked_for(gpt: openai.OpenAI) -> None:
    answer = gpt.embeddings.create(model="text-embedding-3-large", input="the sea", dimensions=256, user="ada")
    assert len(answer.data[0].embedding) == 256


@pytest.mark.parametrize("tokens", [[464, 5417], [[464, 5417], [464]]], ids=["one", "several"])
def test_tokens_are_taken_in_the_place_of_text(gpt: openai.OpenAI, tokens: list[int] | list[list[int]]) -> None:
    data = gpt.embeddings.create(model=SMALL, input=tokens).data
    assert len(data) == (2 if isinstance(tokens[0], list) else 1)


async def test_the_asynchronous_client_embeds_too(async_gpt: openai.AsyncOpenAI) -> None:
    answer = await async_gpt.embeddings.create(model=SMALL, input=["the sea"])
    assert len(answer.data[0].embedding) == 1536


def test_a_model_that_does_not_embed_is_refused(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="makes no embeddings"):
        gpt.embeddings.create(model="gpt-6-luna", input="the sea")
