"""Telling what kind of task a prompt is, by its wording."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.routing import TASKS, detect_task
from inference.routing.preferences import EXPECTED_OUTPUT_TOKENS

MULTIPLE_CHOICE = """Which organelle produces most of a cell's ATP?
A. The nucleus
B. The mitochondrion
C. The ribosome
D. The Golgi apparatus
Answer:"""

LONG_CHOICES = f"""This question refers to the following information.
{"The council met again in the spring and changed nothing. " * 60}
A. {"The first reading holds that custom binds the parties. " * 10}
B. {"The second reading holds that it does not. " * 10}
Answer:"""


@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("A baker sells 24 rolls in the morning and half as many after lunch. How many rolls does she sell?", "math"),
        ("Tickets cost $12 each. Omar buys 3 and pays with a $50 bill. How much change does he get?", "math"),
        ("Nina has twice as many stamps as Ravi, who has 15. How many stamps do the two have together?", "math"),
        ("What is the value of $x$ if $3x + 7 = 22$?", "math"),
        ("Simplify \\frac{6a^2}{3a}.", "math"),
        ("Please calculate the compound interest on 4000 at 3% for 5 years.", "math"),
        (MULTIPLE_CHOICE, "qa"),
        (LONG_CHOICES, "qa"),
        ("Who painted the ceiling of the Sistine Chapel?", "qa"),
        ("what is the capital of australia", "qa"),
        ("Who wrote the song that closes the film?", "qa"),
        ("Write a function that reverses a linked list.", "code"),
        ("def add(a, b):\n    return a - b\n\nWhy is the result wrong?", "code"),
        ("My Python script raises KeyError, what is going on?", "code"),
        ("Refactor the following class so that it can be tested.", "code"),
        ("Translate the following into Dutch: good morning, everyone", "translation"),
        ("Could you please translate this contract?", "translation"),
        ("Summarize the attached minutes in three sentences.", "summarization"),
        ("Give me the key points of this article: ...", "summarization"),
        ("Classify this ticket as billing, technical or other: I was charged twice", "classification"),
        ("What is the sentiment of this review? 'It broke after a day.'", "classification"),
        ("Extract every date and amount from this invoice.", "extraction"),
        ("List the people in the text and return JSON with name and role.", "extraction"),
        ("Write a poem about the sea in winter.", "creative"),
        ("Come up with ten names for a bakery.", "creative"),
        ("Three people each have different characteristics. Who lives in the red house?", "reasoning"),
        ("Compare and contrast optimistic and pessimistic locking.", "reasoning"),
        ("Thanks, that helped!", "chat"),
        ("", "chat"),
    ],
)
def test_a_prompt_is_the_task_it_reads_like(prompt: str, task: str) -> None:
    assert detect_task(prompt) == task


def test_the_instruction_counts_wherever_a_long_document_leaves_it() -> None:
    document = "The harbour was quiet and the boats lay on the mud. " * 400
    assert detect_task(f"Summarize this.\n\n{document}") == "summarization"
    assert detect_task(f"{document}\n\nTranslate the text above into Spanish.") == "translation"


def test_only_the_ends_of_a_long_prompt_are_read() -> None:
    filling = "The committee will meet again on the second floor of the annex. " * 20_000
    assert detect_task(filling + "Translate this into French." + filling) == detect_task(filling + filling)
    assert detect_task("Translate this into French. " + filling) == "translation"


@given(st.text(max_size=2_000))
def test_any_text_is_some_task(text: str) -> None:
    assert detect_task(text) in TASKS


def test_an_answer_length_is_expected_for_every_task() -> None:
    assert set(EXPECTED_OUTPUT_TOKENS) == set(TASKS)
