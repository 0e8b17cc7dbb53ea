"""What every embedder behind an API has in common: requests that come together go out as one call, and what an API says
is checked before it is believed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from caching.domain import Embedded, EmbeddingError

_GATHERED_SECONDS = 0.003
"""How long a text waits for others to go with it."""
_MOST_WAITING = 2_000
_MOST_CHARACTERS = 8_000
_SHORTEST = 1e-6


class TextsRefusedError(EmbeddingError):
    """The API does not take these texts: perhaps one of them, on whose account the others shall not go without."""


class EmbeddingApi(Protocol):
    """One model of one vendor."""

    @property
    def version(self) -> str:
        """See `caching.domain.Embedder`."""

    @property
    def dimensions(self) -> int:
        """The length that every vector must have."""

    @property
    def most_texts(self) -> int:
        """How many texts one call may have."""

    async def call(self, texts: Sequence[str]) -> tuple[Sequence[Sequence[float]], int]:
        """A vector for each text, and the tokens that are billed, 0 when the API does not say. Raises EmbeddingError,
        TextsRefusedError when it is the texts' fault."""

    async def aclose(self) -> None:
        """Lets its connections go."""


@dataclass(frozen=True, slots=True)
class _Asked:
    texts: tuple[str, ...]
    answer: asyncio.Future[Embedded]


class RemoteEmbedder:
    """Fulfils `caching.domain.MeteredEmbedder`, within one event loop."""

    def __init__(self, name: str, api: EmbeddingApi, *, gathered_seconds: float = _GATHERED_SECONDS) -> None:
        self.name = name
        self.version = api.version
        self.dimensions = api.dimensions
        self._api = api
        self._gathered_seconds = gathered_seconds
        self._waiting: list[_Asked] = []
        self._timer: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._texts = 0

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `caching.domain.Embedder`."""
        return (await self.embed_metered(texts)).vectors

    async def embed_metered(self, texts: Sequence[str]) -> Embedded:
        """See `caching.domain.MeteredEmbedder`."""
        if self._texts + len(texts) > _MOST_WAITING:
            raise EmbeddingError("more texts wait for the embedding API than it can take")
        loop = asyncio.get_running_loop()
        asked = _Asked(tuple(_sendable(text) for text in texts), loop.create_future())
        self._texts += len(texts)
        self._waiting.append(asked)
        if self._timer is None:
            self._timer = loop.call_later(self._gathered_seconds, self._send)
        try:
            return await asked.answer
        finally:
            self._texts -= len(texts)

    async def aclose(self) -> None:
        """Ends what is under way, and lets the connections go."""
        for call in tuple(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._api.aclose()

    def _send(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, []
        for batch in _batches([asked for asked in waiting if not asked.answer.done()], self._api.most_texts):
            call = asyncio.create_task(self._answer(batch))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _answer(self, batch: Sequence[_Asked]) -> None:
        try:
            answers = _shares(batch, await self._embed([text for asked in batch for text in asked.texts]))
        except TextsRefusedError as error:
            if len(batch) == 1:
                _fail(batch, error)
            else:
                await asyncio.gather(*(self._answer([asked]) for asked in batch))
        except EmbeddingError as error:
            _fail(batch, error)
        except asyncio.CancelledError:
            _fail(batch, EmbeddingError("the embedder was closed"))
            raise
        else:
            for asked, embedded in zip(batch, answers, strict=True):
                if not asked.answer.done():
                    asked.answer.set_result(embedded)

    async def _embed(self, texts: Sequence[str]) -> Embedded:
        vectors, tokens = await self._api.call(texts)
        return Embedded(_checked(vectors, (len(texts), self.dimensions)), max(0, tokens))


def _sendable(text: str) -> str:
    """Half of a surrogate pair is no character, and would fail the whole batch."""
    return text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode()


def _batches(waiting: Sequence[_Asked], most: int) -> Iterator[list[_Asked]]:
    batch: list[_Asked] = []
    size = 0
    for asked in waiting:
        if batch and size + len(asked.texts) > most:
            yield batch
            batch, size = [], 0
        batch.append(asked)
        size += len(asked.texts)
    if batch:
        yield batch


def _checked(vectors: Sequence[Sequence[float]], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Of length one. Raises EmbeddingError for anything that is not a vector for each text."""
    try:
        found = np.asarray(vectors, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EmbeddingError("the embedding API answered with something else than vectors") from error
    if found.shape != shape:
        raise EmbeddingError(f"the embedding API answered with vectors of shape {found.shape} instead of {shape}")
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths < _SHORTEST).any():
        raise EmbeddingError("the embedding API answered with a vector of no length")
    return np.asarray(found / lengths, dtype=np.float32)


def _shares(batch: Sequence[_Asked], whole: Embedded) -> Iterator[Embedded]:
    """Each caller's vectors, and its part of the tokens by the length of its texts: the parts add up to the whole."""
    sizes = [sum(len(text) for text in asked.texts) or 1 for asked in batch]
    row = told = size = 0
    for asked, own in zip(batch, sizes, strict=True):
        size += own
        tokens = whole.tokens * size // sum(sizes) - told
        told += tokens
        yield Embedded(whole.vectors[row : row + len(asked.texts)], tokens)
        row += len(asked.texts)


def _fail(batch: Sequence[_Asked], error: EmbeddingError) -> None:
    for asked in batch:
        if not asked.answer.done():
            asked.answer.set_exception(type(error)(*error.args))
