"""`manage.py train_gate`: trains the gate of T2 anew, from labelled files whose licence allows it.

Pairs, rephrasings and streams are told apart as `fidelity` does. Of what is in a cache beside the nearest entry, the
gate learns from rephrasings (half absent) and streams. The same files and seed give the same gate.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from caching.domain import EmbeddingError, Neighbour
from caching.embeddings.local import LocalEmbedder
from caching.fidelity import MemoryStore
from caching.gate import FEATURES, features_of
from caching.guards import align, find_veto, read
from caching.labelled import LabelledFile, LabelledFileError, Rephrasing, Request, read_labelled
from caching.perturbations import change_meaning
from caching.semantic import doubt_about
from caching.training import Example, cross_validate, fit_gate

GATE = Path(__file__).parents[2] / "gate.json"
WEIGHTS = {
    "pairs": 0.4,
    "rephrasings": 2.0,
    "stream": 2.0,
    "rephrasings, alone": 2.0,
    "stream, alone": 1.0,
    "edits": 0.2,
}
"""Of one source against another. What is `alone` is seen as if nothing else were cached."""
_MOST_OF_A_STREAM = 6_000
_MOST_EDITED = 3_000


class Command(BaseCommand):
    help = "Train the semantic cache's gate from labelled files, and write gate.json"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--output", type=Path, default=GATE)

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        embedder = LocalEmbedder()
        try:
            files = [read_labelled(path) for path in options["files"]]
            examples = [example for file in files for example in _examples(file, embedder, options["seed"])]
        except (LabelledFileError, EmbeddingError) as error:
            raise CommandError(str(error)) from error
        finally:
            embedder.close()
        validation = cross_validate(examples, WEIGHTS)
        gate = fit_gate(examples, WEIGHTS)
        report = {
            "bias": gate.bias,
            "weights": dict(zip(FEATURES, gate.weights, strict=True)),
            "trained": {
                "examples": len(examples),
                "files": [file.name for file in files],
                "seed": options["seed"],
                "cross_validated": {"precision_at_half": validation.precision_at_half, "loss": validation.loss},
            },
        }
        options["output"].write_text(json.dumps(report, indent=2) + "\n")
        self.stdout.write(json.dumps(report))


def _examples(file: LabelledFile, embedder: LocalEmbedder, seed: int) -> Iterator[Example]:
    for pair in file.pairs:
        yield from _pair(pair.cached, pair.asked, embedder, pair.same, "pairs", f"{file.name}:{pair.category}")
    for half in (0, 1) if file.rephrasings else ():
        yield from _replayed(file.rephrasings, half, embedder)
    if file.requests:
        requests = list(file.requests)
        random.Random(seed).shuffle(requests)  # noqa: S311 - reproducible on purpose
        yield from _streamed(requests[:_MOST_OF_A_STREAM], embedder)
        texts = [request.text for request in requests[:_MOST_EDITED]]
        for number, (question, edited) in enumerate(change_meaning(texts, seed=seed)):
            yield from _pair(question, edited, embedder, False, "edits", f"edits:{number % 20}")


def _pair(  # noqa: PLR0917 - a row of labelled data
    cached: str, asked: str, embedder: LocalEmbedder, same: bool, source: str, group: str
) -> Iterator[Example]:
    one, other = embedder.embed_now([cached, asked])
    yield from _example([Neighbour("0", cached, float(one @ other), "0")], asked, same, source, group)


def _replayed(rows: Sequence[Rephrasing], half: int, embedder: LocalEmbedder) -> Iterator[Example]:
    store = MemoryStore(embedder.dimensions)
    for origin in dict.fromkeys(row.origin for row in rows[half::2]):
        store.add(origin, origin, embedder.embed_now([origin])[0])
    for number, row in enumerate(rows):
        near = store.nearest(embedder.embed_now([row.similar])[0])
        same, group = near[0].answer == row.origin, f"rephrasings:{number // 25}"
        yield from _example(near, row.similar, same, "rephrasings", group)
        yield from _example(near[:1], row.similar, same, "rephrasings, alone", group)


def _streamed(requests: Sequence[Request], embedder: LocalEmbedder) -> Iterator[Example]:
    store = MemoryStore(embedder.dimensions)
    for request in requests:
        vector = embedder.embed_now([request.text])[0]
        near = store.nearest(vector)
        if near:
            same = near[0].answer == request.intent
            yield from _example(near, request.text, same, "stream", request.intent)
            yield from _example(near[:1], request.text, same, "stream, alone", request.intent)
        store.add(request.text, request.intent, vector)


def _example(near: Sequence[Neighbour], asked: str, same: bool, source: str, group: str) -> Iterator[Example]:
    """None for a pair that a guard refuses: the gate never sees one."""
    alignment = align(read(near[0].text), read(asked))
    if find_veto(alignment) is None:
        features = features_of(alignment, similarity=near[0].similarity, doubt=doubt_about(near))
        yield Example(features, same, source, group)
