"""Measures T2 on labelled questions with the code that decides in production: cacheability, nearest entries, guards,
gate, thresholds, and for a stream its calibration, from cold.

What is counted: a *hit* is a question answered from the cache, *right* when the entry has the answer that the label
wants, *wrong* otherwise. A pair asks whether `cached` would be served for `asked`. Of rephrasings every second origin
is cached and every similar asked; entries of the same text are one. In a stream every miss is cached with its answer,
and a hit that is explored counts as a miss, since it goes upstream.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from caching.cacheability import refusal_reason
from caching.calibration import DEFAULT_TARGET, Calibration
from caching.domain import Decision, Neighbour, Outcome
from caching.labelled import LabelledFile, Pair, Rephrasing, Request
from caching.semantic import DEFAULT, NEIGHBOURS, decide

UNCACHEABLE = Decision(Outcome.MISS, "not cacheable")


class Vectors(Protocol):
    """An embedder that works in the calling thread."""

    def embed_now(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that was asked: could it have been answered rightly, was it answered, and was that right?"""

    category: str
    answerable: bool
    hit: bool
    right: bool
    milliseconds: float


class MemoryStore:
    """Entries of one scope and their vectors, searched exactly."""

    def __init__(self, dimensions: int) -> None:
        self._vectors = np.zeros((64, dimensions), dtype=np.float32)
        self._entries: list[tuple[str, str]] = []

    def add(self, text: str, answer: str, vector: NDArray[np.float32]) -> None:
        """Stores an entry."""
        if len(self._entries) == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._vectors[len(self._entries)] = vector
        self._entries.append((text, answer))

    def nearest(self, vector: NDArray[np.float32], count: int = NEIGHBOURS) -> list[Neighbour]:
        """At most `count` entries, the most similar one first."""
        if not self._entries:
            return []
        similarities = np.einsum("ij,j->i", self._vectors[: len(self._entries)], vector)  # on one thread, unlike BLAS
        count = min(count, len(similarities))
        places = np.argpartition(-similarities, count - 1)[:count]
        places = places[np.argsort(-similarities[places], kind="stable")]
        return [
            Neighbour(str(place), self._entries[place][0], float(similarities[place]), self._entries[place][1])
            for place in places
        ]


def measure(file: LabelledFile, embedder: Vectors, *, target: float = DEFAULT_TARGET) -> Iterator[Asked]:
    """Every question of a file, as it is asked."""
    yield from measure_pairs(file.pairs, embedder)
    yield from measure_rephrasings(file.rephrasings, embedder, category=file.name)
    yield from measure_stream(file.requests, embedder, category=file.name, target=target)


def measure_pairs(pairs: Sequence[Pair], embedder: Vectors) -> Iterator[Asked]:
    """Each pair by itself: `cached` is all there is in the cache, unless it may not be cached."""
    for pair in pairs:
        cached = None if refusal_reason(pair.cached) else embedder.embed_now([pair.cached])[0]
        started = time.perf_counter()
        decision = UNCACHEABLE
        if cached is not None and not refusal_reason(pair.asked):
            similarity = float(embedder.embed_now([pair.asked])[0] @ cached)
            decision = decide(pair.asked, [Neighbour("0", pair.cached, similarity, "0")], DEFAULT)
        yield _asked(pair.category, decision, answerable=pair.same, right=pair.same, started=started)


def measure_rephrasings(rows: Sequence[Rephrasing], embedder: Vectors, *, category: str) -> Iterator[Asked]:
    """Half of the origins are cached, so half of what is asked has no answer."""
    if not rows:
        return
    cached = list(dict.fromkeys(_key(row.origin) for row in rows[::2]))
    texts = {_key(row.origin): row.origin for row in reversed(rows[::2])}
    store = MemoryStore(embedder.embed_now([rows[0].origin]).shape[1])
    for key in cached:
        if not refusal_reason(texts[key]):
            store.add(texts[key], key, embedder.embed_now([texts[key]])[0])
    present = frozenset(cached)
    for row in rows:
        started = time.perf_counter()
        decision, near = _look_up(row.similar, store, embedder)
        right = bool(near) and near[0].answer == _key(row.origin)
        kind = "present" if _key(row.origin) in present else "absent"
        yield _asked(f"{category}: {kind}", decision, answerable=kind == "present", right=right, started=started)


def measure_stream(
    requests: Sequence[Request], embedder: Vectors, *, category: str, target: float = DEFAULT_TARGET
) -> Iterator[Asked]:
    """One organization's requests in their order, calibrated as they come."""
    if not requests:
        return
    store = MemoryStore(embedder.embed_now([requests[0].text]).shape[1])
    calibration, known, truths = Calibration(), set[str](), _Answers()
    for request in requests:
        started = time.perf_counter()
        if refusal_reason(request.text):
            yield _asked(category, UNCACHEABLE, answerable=request.intent in known, right=False, started=started)
            continue
        vector = embedder.embed_now([request.text])[0]
        near = store.nearest(vector)
        decision = decide(request.text, near, replace(DEFAULT, certain=calibration.threshold(target)))
        servable = bool(near) and not decision.guard and decision.similarity >= DEFAULT.floor
        right = bool(near) and truths.of(near[0]) == request.intent
        if decision.outcome is Outcome.HIT and calibration.explores(decision.certainty, _coin(request.text)):
            decision = replace(decision, outcome=Outcome.MISS)
        calibration = calibration.with_request(decision.certainty if servable else None)
        asked = _asked(category, decision, answerable=request.intent in known, right=right, started=started)
        if not asked.hit:
            if servable:
                calibration = calibration.with_label(decision.certainty, right=right)
            store.add(request.text, truths.name(request.intent, near), vector)
            known.add(request.intent)
        yield asked


class _Answers:
    """Names of answers: a new answer that says what a near entry's says takes its name, any other gets a new one."""

    def __init__(self) -> None:
        self._intents: dict[str, str] = {}

    def of(self, entry: Neighbour) -> str:
        return self._intents[entry.answer]

    def name(self, intent: str, near: Sequence[Neighbour]) -> str:
        same = next((entry.answer for entry in near if self.of(entry) == intent), None)
        if same is None:
            same = str(len(self._intents))
            self._intents[same] = intent
        return same


def _look_up(text: str, store: MemoryStore, embedder: Vectors) -> tuple[Decision, list[Neighbour]]:
    if refusal_reason(text):
        return UNCACHEABLE, []
    near = store.nearest(embedder.embed_now([text])[0])
    return decide(text, near, DEFAULT), near


def _asked(category: str, decision: Decision, *, answerable: bool, right: bool, started: float) -> Asked:
    hit = decision.outcome is Outcome.HIT
    return Asked(category, answerable, hit, hit and right, (time.perf_counter() - started) * 1e3)


def _key(text: str) -> str:
    """Texts that differ in case, spaces and punctuation alone are one entry."""
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text.lower()).split())


def _coin(text: str) -> float:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big") / 2**56
