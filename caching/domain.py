"""What the caches hold and what they say, without a framework."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

if TYPE_CHECKING:  # a process without T2 never loads numpy
    import numpy as np
    from numpy.typing import NDArray


class CachedAnswer(msgspec.Struct, frozen=True, array_like=True):
    """A complete answer as a cache keeps it. `body` is the provider's JSON in the shape of `wire`; `usage` is what it
    used when it was made, in the words of whoever prices it."""

    wire: str
    body: bytes
    model: str
    provider: str
    usage: bytes
    stored_at: float
    task: str
    quality: float | None
    simulated: bool


class EmbeddingError(RuntimeError):
    """No vector can be had now. T2 is left out and the request goes on."""


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is their similarity, at most 1."""

    @property
    def name(self) -> str:
        """Which model, as receipts and metrics say it."""

    @property
    def version(self) -> str:
        """Changes whenever the same text would get another vector. Vectors of two versions are never compared."""

    @property
    def dimensions(self) -> int:
        """The length of every vector."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (texts, dimensions), float32, each row of length one. Raises EmbeddingError."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors, and the tokens that were billed for them, 0 when nobody says."""

    vectors: NDArray[np.float32]
    tokens: int


@runtime_checkable
class MeteredEmbedder(Embedder, Protocol):
    """An embedder that somebody charges for."""

    async def embed_metered(self, texts: Sequence[str]) -> Embedded:
        """`embed`, with what was used. Raises EmbeddingError."""

    async def aclose(self) -> None:
        """Lets its connections go."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A question in the cache that is near to the one asked, within the same scope.

    `answer` names what it was answered with: entries whose answers were found to say the same thing share one name,
    and so lend each other weight instead of casting doubt on each other.
    """

    entry: str
    text: str
    similarity: float
    answer: str


class Neighbours(Protocol):
    """The questions of one scope: what a vector store offers to the decision."""

    async def nearest(self, vector: NDArray[np.float32], count: int) -> Sequence[Neighbour]:
        """At most `count` entries, the most similar one first."""


class StoreError(RuntimeError):
    """The store of T2 cannot be reached, or took too long. T2 is left out and the request goes on."""


@dataclass(frozen=True, slots=True)
class Filing:
    """What a purge may look for, beside the model: the API key that asked, its tags, its end user, and the document
    that was asked about, by its digest and by its organization's own name for it."""

    key_id: str
    tags: tuple[str, ...] = ()
    end_user: str = ""
    document: bytes = b""
    document_id: str = ""


class SemanticStore(Protocol):
    """Questions with their answers, by organization and scope. Raises StoreError."""

    async def nearest(self, org_id: str, scope: bytes, vector: NDArray[np.float32], count: int) -> Sequence[Neighbour]:
        """At most `count` questions of this scope, the most similar one first."""

    async def answer(self, org_id: str, entry: str) -> CachedAnswer | None:
        """The answer of an entry, which counts as served; None when it has gone, or cannot be read any more."""

    async def add(
        self, org_id: str, scope: bytes, vector: NDArray[np.float32], *,
        text: str, answer: CachedAnswer, filing: Filing, ttl_seconds: int, name: str = "",
    ) -> str:  # fmt: skip
        """Keeps an answer and returns its entry. `name` is that of an answer found to say the same."""

    async def remove(self, org_id: str, entry: str) -> bool:
        """Removes one entry; False when there is none."""


class Outcome(StrEnum):
    HIT = "hit"
    VERIFY = "verify"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a neighbour's answer may be served.

    Below the similarity `floor` nothing is looked at closer. Of what the guards let pass, the gate says how surely
    both questions want the same answer (0 to 1): from `accept` on it is a hit, from `verify` on a verifier is asked,
    when there is one.
    """

    floor: float
    verify: float
    accept: float
    strict: bool = False
    """Whether `accept` holds beside what was learned, because a mismatch costs more here than in most tasks."""
    certain: float | None = None
    """Learned from an organization's own outcomes: when set, it is asked of the certainty in the place of `accept`."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What T2 does with one request, and why; the receipt shows all of it.

    `guard` names the guard that fired, `entry` the entry that is served, or was nearest; `score` is the gate's word,
    and `certainty` the same with more weight on what other entries near it say: what calibration counts by.
    """

    outcome: Outcome
    reason: str
    similarity: float = 0.0
    score: float = 0.0
    certainty: float = 0.0
    guard: str = ""
    entry: str = ""
