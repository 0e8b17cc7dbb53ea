"""Texts in tokens: nothing is lost, and every token is counted once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from inference.simulator import tokens
from inference.simulator.chance import Chance
from inference.simulator.prose import compose, keywords, topic_of
from inference.simulator.tokens import Piece


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
@settings(max_examples=300, deadline=None)
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    pieces = tokens.split(text)

    assert tokens.text_of(pieces) == text
    assert tokens.size_of(pieces) == tokens.count(text) == len(tokens.encode(text))
    assert all(piece.text for piece in pieces)


def test_a_piece_is_one_token_unless_a_character_needs_more() -> None:
    assert [piece.tokens for piece in tokens.split("Hello world, again")] == [1, 1, 1, 1]
    assert tokens.split(" 🎉") == (Piece(" 🎉", 2),)


def test_numbers_outside_the_vocabulary_are_no_tokens() -> None:
    assert tokens.is_token(0)
    assert tokens.is_token(199_997)
    for value in (-1, 199_998, 10**9, 1.0, "1", True, None):
        assert not tokens.is_token(value)


@given(prompt=st.text(max_size=200), seed=st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_any_prompt_gets_a_text_of_the_usual_length(prompt: str, seed: int) -> None:
    text = compose(prompt, Chance(seed))

    assert "simulated" in text.lower()
    assert len(text) < 2000


def test_a_text_has_about_20_to_80_tokens() -> None:
    sizes = [tokens.count(compose("How do taxes work in Portugal?", Chance(seed))) for seed in range(200)]

    assert min(sizes) >= 20
    assert max(sizes) <= 100
    assert 35 <= sum(sizes) / len(sizes) <= 75


def test_names_come_first_among_the_keywords() -> None:
    assert keywords("Compare the rents of Lisbon and Porto")[:2] == ["Lisbon", "Porto"]


def test_the_topic_is_the_question_without_the_asking() -> None:
    assert topic_of("Read this. What is the capital of France?") == "the capital of France"
    assert topic_of("") == "an empty prompt"
