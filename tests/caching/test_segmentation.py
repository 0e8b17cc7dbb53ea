"""Documents are cut where their own text says so: an edit moves no boundary but those beside it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caching.workflow.segmentation import NEAR, segment

WORDS = ("the board", "a small firm", "met", "agreed", "to move", "budget", "costs", "plan", "report", "lab", "audio")


def a_line(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(3, 40))).capitalize() + ".\n"


def a_document(seed: int, lines: int = 400) -> list[str]:
    chance = random.Random(seed)
    return [a_line(chance) for _ in range(lines)]


@given(st.text(max_size=5_000))
def test_the_chunks_are_the_document(text: str) -> None:
    assert "".join(chunk.text for chunk in segment(text, near=100)) == text


@pytest.mark.parametrize("seed", range(5))
def test_chunks_are_neither_tiny_nor_huge(seed: int) -> None:
    sizes = [len(chunk.text) for chunk in segment("".join(a_document(seed)))]
    assert min(sizes[:-1]) >= NEAR
    assert max(sizes) <= 9 * NEAR
    assert NEAR * 1.4 < sum(sizes) / len(sizes) < NEAR * 3


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), place=st.integers(0, 399), kind=st.sampled_from(["change", "insert", "delete"]))
def test_an_edit_changes_only_the_chunks_beside_it(seed: int, place: int, kind: str) -> None:
    lines = a_document(seed)
    before = segment("".join(lines))
    edited = list(lines)
    if kind == "delete":
        del edited[place]
    else:
        edited[place : place + (kind == "change")] = [a_line(random.Random(f"{seed} other"))]
    after = segment("".join(edited))
    kept = {chunk.digest for chunk in before}
    assert sum(chunk.digest not in kept for chunk in after) <= 4
    changed_from = sum(map(len, lines[:place])) - 4 * NEAR
    position = 0
    for old, new in zip(before, after, strict=False):
        if position + len(old.text) > changed_from:
            break
        assert old == new
        position += len(old.text)


def test_the_same_line_over_and_over_is_cut_too() -> None:
    assert max(len(chunk.text) for chunk in segment("OK.\n" * 20_000)) <= 9 * NEAR


def test_a_line_without_any_end_is_cut_too() -> None:
    assert max(len(chunk.text) for chunk in segment("x" * 100_000)) <= 9 * NEAR


def test_one_character_makes_another_digest() -> None:
    (one,), (other,) = segment("The plan holds."), segment("The plan holds!")
    assert one.digest != other.digest
