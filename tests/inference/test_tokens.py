"""Counting tokens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.tokens import count_tokens, estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("1234567", 3),
        ("   \n\n\n   ", 3),
    ],
)
def test_known_texts_have_the_tokens_that_the_o200k_vocabulary_gives_them(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_what_looks_like_a_control_token_is_counted_as_the_text_it_is() -> None:
    assert count_tokens("<|endoftext|>") > 1


@given(st.text(max_size=300))
def test_there_are_never_more_tokens_than_bytes(text: str) -> None:
    assert count_tokens(text) <= len(text.encode())


def test_half_a_surrogate_pair_is_counted_rather_than_refused() -> None:
    assert count_tokens("\ud800 hi") >= 2


def test_a_megabyte_of_one_letter_is_counted_in_bounded_time() -> None:
    assert count_tokens("a" * 1_000_000) == 125_000


def test_the_estimate_from_the_length_is_rather_too_high_for_prose() -> None:
    prose = "Budgets are reserved before a call is made, and settled with what it really cost. " * 20
    assert count_tokens(prose) <= estimate_tokens(len(prose.encode())) <= 3 * count_tokens(prose)
    assert estimate_tokens(0) == 0
    assert estimate_tokens(1) == 1


def test_the_vocabulary_is_unpacked_only_when_something_is_counted() -> None:
    program = """
import sys
from inference.tokens import count_tokens
print("rs_bpe" in sys.modules)
count_tokens("x")
print("rs_bpe" in sys.modules)
"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
