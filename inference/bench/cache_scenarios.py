"""Scenarios of what stands before a provider call: the admission, and T2 with a store of realistic size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice

from inference.bench import client, figures, proc, wording
from inference.bench.figures import Figure
from inference.bench.probes import Probes
from inference.bench.stage import Stage, run_async
from inference.bench.target import percentile

SEARCHES = 400
_LEARNED_WITHIN_SECONDS = 30.0


def admission(stage: Stage) -> list[Figure]:
    """Every limit and the budget checked, the worst case reserved and T1 read, in one round trip."""
    rounds = [sorted(_probes(stage).admission(stage.sizes.probes)) for _ in range(stage.sizes.rounds)]
    return [
        Figure.of(figures.ADMISSION_P50, [percentile(waits, 0.5) for waits in rounds]),
        Figure.of(figures.ADMISSION_P95, [percentile(waits, 0.95) for waits in rounds]),
    ]


def t2(stage: Stage) -> list[Figure]:
    """Questions that were asked in other words before: the store's search alone, then whole hits with embedding."""
    probes = _probes(stage)
    _teach(stage)
    if stage.failures:
        return []
    probes.fill_store(stage.sizes.entries)
    found = [probes.lookups(SEARCHES) for _ in range(stage.sizes.rounds)]
    stage.notes += [f"t2: {plan}" for plan in found[0].plans]
    hits, cpu, shares = zip(*(_hits(stage) for _ in range(stage.sizes.rounds)), strict=True)
    searches = [sorted(lookups.milliseconds) for lookups in found]
    return [
        Figure.of(figures.T2_SEARCH_P50, [percentile(waits, 0.5) for waits in searches]),
        Figure.of(figures.T2_SEARCH_P95, [percentile(waits, 0.95) for waits in searches]),
        Figure.of(figures.T2_RECALL, [lookups.recall for lookups in found]),
        Figure.of(figures.T2_HIT_P50, [percentile(waits, 0.5) for waits in hits]),
        Figure.of(figures.T2_HIT_P95, [percentile(waits, 0.95) for waits in hits]),
        Figure.of(figures.T2_HIT_SHARE, shares),
        Figure.of(figures.T2_HIT_CPU, cpu),
    ]


def _teach(stage: Stage) -> None:
    """Asks every question once, then the last one in other words until T2 answers: it learns beside the requests, one
    after the other."""
    _ask(stage, wording.first_wordings())
    deadline = time.monotonic() + _LEARNED_WITHIN_SECONDS
    for again in wording.of_the_last():
        ((_, tier),) = _ask(stage, [again])
        if tier == b"t2":
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    stage.fail("t2: a question in other words is not answered from T2")


def _hits(stage: Stage) -> tuple[list[float], float, float]:
    """The milliseconds of hits, asked one after the other, in ascending order; those of the processor for each request;
    and the share of hits. A few questions are checked with the provider instead, and come from T1 from then on: they do
    not count. What else T2 misses, its index did not find."""
    used = proc.cpu_seconds(stage.gateway.pid)
    answers = _ask(stage, list(islice(wording.other_wordings(), stage.sizes.probes)))
    used = proc.cpu_seconds(stage.gateway.pid) - used
    waits = [wait for wait, tier in answers if tier == b"t2"]
    if not waits:
        stage.fail(f"t2: none of {len(answers)} questions in other words was answered from T2")
    asked = sum(tier != b"t1" for _, tier in answers)
    return sorted(waits), used * 1000 / max(len(answers), 1), len(waits) / max(asked, 1)


def _ask(stage: Stage, questions: Sequence[str]) -> list[tuple[float, bytes]]:
    """Milliseconds, and the cache that answered, of each question; on one connection."""
    target = stage.semantic
    assert target is not None, "the stage has been set up with an organization that has T2"
    bodies = [wording.body_of(stage.model, question) for question in questions]
    answers = run_async(client.in_turn(target, bodies))
    for _, exchange in answers:
        stage.check(target, exchange)
    return [(wait, exchange.headers.get(b"x-asahi-cache", b"")) for wait, exchange in answers]


def _probes(stage: Stage) -> Probes:
    assert stage.probes is not None, "the stage has been set up with probes"
    return stage.probes
