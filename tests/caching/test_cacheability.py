"""What is refused before anything is looked up, and what only looks like it."""

import pytest

from caching.cacheability import refusal_reason

REFUSED = [
    ("What's today's mortgage rate?", "asks about now"),
    ("What time is it?", "asks about now"),
    ("Who won the latest election?", "asks about now"),
    ("What is the current exchange rate?", "asks about now"),
    ("What's the weather like in Oslo?", "asks about now"),
    ("What is my balance?", "asks for somebody's state"),
    ("Show me my recent transactions", "asks for somebody's state"),
    ("Where is my order?", "asks for somebody's state"),
    ("How much do I owe?", "asks for somebody's state"),
    ("Cancel my pending payment.", "asks for an action"),
    ("Please book a table for two", "asks for an action"),
    ("Could you freeze my card immediately?", "asks for an action"),
    ("Transfer $5,000 from savings to checking.", "asks for an action"),
    ("Good morning!", "small talk"),
    ("Thanks a lot", "small talk"),
    ("What about the second one?", "refers to what was said before"),
    ("Summarize the above in a sentence", "refers to what was said before"),
    ("Pick a random number", "asks for a new answer each time"),
    ("why", "too short to be understood alone"),
    ("word " * 1000, "too long to be compared as a question"),
]

ALLOWED = [
    "Why was my card declined?",
    "My card has not arrived, what should I do?",
    "How do I check my balance?",
    "How do I cancel my order?",
    "How do I book a flight?",
    "Is the interest on my savings account taxable?",
    "What is the minimum balance of a basic account?",
    "Create a table in SQL with three columns",
    "Write a function that sends an email",
    "What is a current account?",
    "What is electric current?",
    "Order of operations in arithmetic",
    "What is a random variable?",
    "Can I get a refund on my purchase?",
    "Who wrote Hello, Dolly?",
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_right_only_once_is_refused_with_its_reason(text, reason):
    assert refusal_reason(text) == reason


@pytest.mark.parametrize("text", ALLOWED)
def test_a_question_with_a_lasting_answer_is_cacheable(text):
    assert refusal_reason(text) is None
