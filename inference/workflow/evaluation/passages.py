"""How much of what answers rest on is among the passages that selection chooses, and how many steps an edit leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from caching.embeddings.local import LocalEmbedder
from caching.workflow.segmentation import segment
from caching.workflow.selection import PASSAGE, choose
from inference.workflow.evaluation.meetings import Asked, Meeting

BUDGETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7)


@dataclass(frozen=True, slots=True)
class Kept:
    """With this share of the document read, that share of the evidence was read; `whole`: of the questions, for how
    many all of it was."""

    budget: float
    evidence_kept: float
    whole: float


def evidence_by_budget(meetings: Sequence[Meeting], embedder: LocalEmbedder) -> list[Kept]:
    """Of the questions whose evidence is marked, each weighing the same."""
    shares: dict[float, list[float]] = {budget: [] for budget in BUDGETS}
    for meeting in meetings:
        passages = [chunk.text for chunk in segment(meeting.text, near=PASSAGE)]
        vectors = embedder.embed_now(passages)
        for asked in meeting.asked:
            if asked.evidence:
                (vector,) = embedder.embed_now([asked.question])
                for budget in BUDGETS:
                    chosen = choose(asked.question, passages, budget, question_vector=vector, vectors=vectors)
                    shares[budget].append(_share(meeting, asked, passages, chosen))
    return [Kept(budget, sum(kept) / len(kept), _whole(kept)) for budget, kept in shares.items() if kept]


def _whole(kept: Sequence[float]) -> float:
    return sum(share > 0.999 for share in kept) / len(kept)


def _share(meeting: Meeting, asked: Asked, passages: Sequence[str], chosen: Sequence[int]) -> float:
    """By characters."""
    read = bytearray(len(meeting.text))
    starts = [0]
    for passage in passages:
        starts.append(starts[-1] + len(passage))
    for place in chosen:
        read[starts[place] : starts[place + 1]] = b"\1" * len(passages[place])
    wanted = kept = at = 0
    for place, turn in enumerate(meeting.turns):
        if place in asked.evidence:
            wanted += len(turn)
            kept += sum(read[at : at + len(turn)])
        at += len(turn)
    return kept / wanted if wanted else 1.0


def steps_left_by_edits(meetings: Sequence[Meeting], *, edits: int = 5) -> float:
    """After one line was changed, the share of steps that hold: one for each chunk, and the answer, which does not."""
    held = total = 0
    for meeting in meetings:
        before = {chunk.digest for chunk in segment(meeting.text)}
        for number in range(edits):
            place = (2 * number + 1) * len(meeting.turns) // (2 * edits)
            edited = f"{meeting.turns[place].rstrip()} And one more thing was said here.\n"
            turns = (*meeting.turns[:place], edited, *meeting.turns[place + 1 :])
            after = segment("".join(turns))
            held += sum(chunk.digest in before for chunk in after)
            total += len(after) + 1
    return held / total if total else 0.0
