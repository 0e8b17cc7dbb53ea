"""Embedders behind an API, through the vendors' own clients, against simulated providers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import pytest

from caching.domain import Embedded, EmbeddingError, MeteredEmbedder
from caching.embeddings.cohere import CohereApi
from caching.embeddings.openai import OpenAIApi
from caching.embeddings.remote import EmbeddingApi, RemoteEmbedder, TextsRefusedError
from tests.inference.simulator_process import RunningSimulator, start_simulator

T = TypeVar("T")
Make = Callable[[str], EmbeddingApi]


def cohere_at(url: str, *, dimensions: int = 1024, timeout: float = 5.0, model: str = "embed-v4.0") -> CohereApi:
    return CohereApi(key="k", model=model, dimensions=dimensions, base_url=f"{url}/cohere", timeout=timeout)


def openai_at(url: str, *, dimensions: int = 1536, timeout: float = 5.0, model: str = "text-embedding-3-small",
              own_address: bool = False) -> OpenAIApi:  # fmt: skip
    return OpenAIApi(
        provider="openai", key="k", model=model, dimensions=dimensions, base_url=f"{url}/openai/v1", timeout=timeout,
        own_address=own_address,
    )  # fmt: skip


BOTH = pytest.mark.parametrize("make", [cohere_at, openai_at])


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningSimulator]:
    with start_simulator() as running:
        yield running


@pytest.fixture
def simulator(provider: RunningSimulator) -> RunningSimulator:
    provider.control("POST", "/reset")
    return provider


def use(api: EmbeddingApi, story: Callable[[RemoteEmbedder], Awaitable[T]]) -> T:
    async def go() -> T:
        embedder = RemoteEmbedder("tested", api)
        try:
            return await story(embedder)
        finally:
            await embedder.aclose()

    return asyncio.run(go())


@BOTH
def test_vectors_have_length_one_and_the_tokens_are_told(simulator: RunningSimulator, make: Make) -> None:
    api = make(simulator.url)
    embedded = use(api, lambda embedder: embedder.embed_metered(["How do I reset my password?", "hello"]))
    assert embedded.vectors.shape == (2, api.dimensions)
    assert embedded.vectors.dtype == np.float32
    assert np.linalg.norm(embedded.vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert embedded.tokens > 5


@BOTH
def test_requests_that_come_together_are_one_call_and_pay_for_it_together(
    simulator: RunningSimulator, make: Make
) -> None:
    texts = [f"question number {number} {'and more ' * number}" for number in range(20)]

    async def at_once(embedder: RemoteEmbedder) -> list[Embedded]:
        return await asyncio.gather(*(embedder.embed_metered([text]) for text in texts))

    together = use(make(simulator.url), at_once)
    assert len(simulator.wait_for_calls(1)) == 1
    alone = use(make(simulator.url), lambda embedder: embedder.embed_metered(texts))
    assert sum(one.tokens for one in together) == alone.tokens
    assert together[-1].tokens > together[0].tokens
    for place, one in enumerate(together):
        assert one.vectors[0] == pytest.approx(alone.vectors[place])


def test_no_call_has_more_texts_than_the_api_takes(simulator: RunningSimulator) -> None:
    async def at_once(embedder: RemoteEmbedder) -> None:
        await asyncio.gather(*(embedder.embed([f"question {number}"]) for number in range(100)))

    use(cohere_at(simulator.url), at_once)
    assert len(simulator.wait_for_calls(2)) == 2


@BOTH
@pytest.mark.parametrize("faults", [{"error_rate": 1.0}, {"latency_ms": 3_000}])
def test_an_api_that_fails_or_hangs_is_an_embedding_error(make: Any, faults: Any, simulator: RunningSimulator) -> None:
    simulator.disturb(**faults)
    with pytest.raises(EmbeddingError):
        use(make(simulator.url, timeout=0.5), lambda embedder: embedder.embed(["hello there"]))


@BOTH
def test_an_api_that_is_not_there_is_an_embedding_error(make: Make) -> None:
    with pytest.raises(EmbeddingError, match="did not answer"):
        use(make("http://127.0.0.1:9"), lambda embedder: embedder.embed(["hello"]))


def test_vectors_of_another_length_than_configured_are_refused(simulator: RunningSimulator) -> None:
    api = openai_at(simulator.url, model="text-embedding-ada-002", dimensions=1000)
    with pytest.raises(EmbeddingError, match=r"\(1, 1536\) instead of \(1, 1000\)"):
        use(api, lambda embedder: embedder.embed(["hello"]))


def test_the_version_tells_every_two_embedders_apart_whose_vectors_differ() -> None:
    apis: list[EmbeddingApi] = [
        cohere_at("http://one"),
        cohere_at("http://one", dimensions=512),
        cohere_at("http://one", model="embed-english-v3.0"),
        openai_at("http://one"),
        openai_at("http://one", dimensions=1024),
        openai_at("http://one", model="text-embedding-3-large"),
        openai_at("http://one", own_address=True),
        openai_at("http://two", own_address=True),
    ]
    assert len({api.version for api in apis}) == len(apis)
    assert openai_at("http://one").version == openai_at("http://two").version


class Picky:
    """An API that takes no call in which one text is bad, and answers as it was told."""

    version, dimensions, most_texts = "picky", 2, 10

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.calls = 0

    async def call(self, texts: Sequence[str]) -> tuple[Any, int]:
        self.calls += 1
        if "bad" in texts:
            raise TextsRefusedError("no")
        return [[3.0, 4.0]] * len(texts) if self.answer is None else self.answer, len(texts)

    async def aclose(self) -> None:
        """Nothing is held."""


def test_a_text_that_is_refused_fails_alone() -> None:
    async def at_once(embedder: RemoteEmbedder) -> list[Any]:
        asked = (embedder.embed([text]) for text in ("good", "bad", "fine"))
        return await asyncio.gather(*asked, return_exceptions=True)

    good, bad, fine = use(Picky(), at_once)
    assert isinstance(bad, EmbeddingError)
    for vectors in (good, fine):
        assert vectors.tolist() == [pytest.approx([0.6, 0.8])]


@pytest.mark.parametrize(
    "answer", [[[0.0, 0.0]], [[float("nan"), 1.0]], [[1.0]], [], [[1.0, 0.0], [1.0, 0.0]], [["x", "y"]], [None]]
)
def test_an_answer_that_is_no_vector_for_each_text_is_refused(answer: Any) -> None:
    with pytest.raises(EmbeddingError):
        use(Picky(answer), lambda embedder: embedder.embed(["hello"]))


def test_half_a_character_does_not_reach_the_api(simulator: RunningSimulator) -> None:
    vectors = use(openai_at(simulator.url), lambda embedder: embedder.embed(["what is \ud83d in a text?"]))
    assert vectors.shape == (1, 1536)


def test_who_waits_no_longer_costs_the_others_nothing() -> None:
    api = Picky()

    async def story(embedder: RemoteEmbedder) -> Any:
        gone = asyncio.ensure_future(embedder.embed(["bad"]))
        stays = asyncio.ensure_future(embedder.embed(["good"]))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert use(api, story).shape == (1, 2)
    assert api.calls == 1


def test_it_is_told_apart_from_an_embedder_that_costs_nothing() -> None:
    from caching.embeddings.local import LocalEmbedder

    assert isinstance(RemoteEmbedder("picky", Picky()), MeteredEmbedder)
    assert not isinstance(LocalEmbedder(), MeteredEmbedder)
