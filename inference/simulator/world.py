"""Everything the simulator remembers, in one place, so that a reset is complete."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from inference.simulator.answers import Author
from inference.simulator.anthropic.batch_state import MessageBatch
from inference.simulator.batching import BatchPlan
from inference.simulator.catalogue import Catalogue
from inference.simulator.chance import Chance
from inference.simulator.errands import Errands
from inference.simulator.faults import FaultPlan, FaultSwitch
from inference.simulator.ledger import CallLedger
from inference.simulator.openai.filing import FileBatch, StoredFile
from inference.simulator.openai.responses.stored import Json, StoredResponse
from inference.simulator.prefixes import AutomaticCache, MarkedCache
from inference.simulator.recordings import RecordedAnswer, Recordings
from inference.simulator.shelf import Shelf

_MOST_FILE_BYTES = 256 * 1024 * 1024


def _size_of(file: StoredFile) -> int:
    return len(file.content) + 1_000


class Fidelity(StrEnum):
    """How much is refused. `WIRE`: what breaks the protocol. `MODEL`: also what the named model does not support."""

    WIRE = "wire"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Start:
    """What a reset goes back to."""

    fidelity: Fidelity
    answers: Sequence[RecordedAnswer]
    batches: BatchPlan


@dataclass(slots=True)
class World:
    """The state of one simulator. Nothing of it outlives the process."""

    seed: int
    fidelity: Fidelity
    catalogue: Catalogue
    recordings: Recordings
    author: Author
    faults: FaultSwitch
    at_start: Start
    batches: BatchPlan
    errands: Errands = field(default_factory=Errands)
    files: Shelf[StoredFile] = field(default_factory=lambda: Shelf(most=_MOST_FILE_BYTES, weigh=_size_of))
    file_batches: Shelf[FileBatch] = field(default_factory=lambda: Shelf(most=1_000))
    message_batches: Shelf[MessageBatch] = field(default_factory=lambda: Shelf(most=1_000))
    responses: Shelf[StoredResponse] = field(default_factory=lambda: Shelf(most=10_000))
    conversations: Shelf[list[Json]] = field(default_factory=lambda: Shelf(most=10_000))
    ledger: CallLedger = field(default_factory=CallLedger)
    automatic_cache: AutomaticCache = field(default_factory=AutomaticCache)
    marked_cache: MarkedCache = field(default_factory=MarkedCache)
    started_at: float = field(default_factory=time.time)
    names: Chance = field(default_factory=lambda: Chance(time.time_ns()))

    def new_id(self, prefix: str, digits: int = 24) -> str:
        """An id such as a provider would give: different for every call, so not made from the seed."""
        return prefix + self.names.hex(digits)

    def reset(self) -> None:
        """Back to the state at start: its recordings, fidelity, faults and pace, and no memory of calls and prompts."""
        self.fidelity = self.at_start.fidelity
        self.batches = self.at_start.batches
        self.recordings.clear()
        self.recordings.add(self.at_start.answers)
        self.faults.reset()
        self.errands.clear()
        for shelf in (self.files, self.file_batches, self.message_batches, self.responses, self.conversations):
            shelf.clear()
        self.ledger.reset()
        self.automatic_cache.clear()
        self.marked_cache.clear()


def new_world(
    *,
    seed: int = 0,
    faults: FaultPlan | None = None,
    fidelity: Fidelity = Fidelity.WIRE,
    catalogue: Catalogue | None = None,
    answers: Sequence[RecordedAnswer] = (),
    batches: BatchPlan | None = None,
) -> World:
    recordings = Recordings()
    recordings.add(answers)
    start = Start(fidelity, answers, batches or BatchPlan())
    return World(
        seed=seed,
        fidelity=fidelity,
        catalogue=catalogue or Catalogue(),
        recordings=recordings,
        author=Author(seed=seed, recordings=recordings),
        faults=FaultSwitch(base=faults or FaultPlan(), seed=seed),
        at_start=start,
        batches=start.batches,
    )
