"""Where a prompt's beginning ends that others may share, and where its question begins: only when it is certain."""

from __future__ import annotations

import pytest

from inference.domain import Cut, Wire
from inference.workflow.beginnings import beginnings_of
from inference.workflow.questions import question_begins
from tests.inference.workflow_orders import DOCUMENT, ORG, about, order, user


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("The text.\n\nQuestion: Who spoke?", "Who spoke?"),
        ("The text.\nQ: Who spoke?", "Who spoke?"),
        ("The text.\n\n**Question:** Who spoke?\n\nAnswer:", "Who spoke?\n\nAnswer:"),
        ("The text.\n\nUser question: who spoke", "who spoke"),
        ("The text.\n\nWho spoke?", "Who spoke?"),
        ("Q: an old one\nA: old.\n\nQ: a new one", "a new one"),
    ],
)
def test_the_question_at_the_end_is_found(text: str, question: str) -> None:
    assert text[question_begins(text) :] == question


@pytest.mark.parametrize(
    "text",
    [
        "The text goes on.\n\nAnd on.",
        "Who spoke?",
        "Who spoke?\n\nThe text asks: is it so?",
        "Question: who spoke?\n\nHe said it.\n\nIs it so?",
        "The text.\n\nFirst line\nand is this a question?",
        "The text.\n\n" + "very " * 100 + "long?",
        "The text. Question: who asked?\nQuestion: who answered?\nHe did.\n\nWhy not?",
        "The text.\n\nQuestion: who spoke?\n\nAnd then he left.",
        "The text.\n\nQuestion: " + "very " * 300 + "long?",
        "",
    ],
)
def test_what_may_be_part_of_the_document_is_never_taken_for_a_question(text: str) -> None:
    assert question_begins(text) == 0


def test_a_short_prompt_has_no_beginning_worth_a_thought() -> None:
    assert beginnings_of(order([user("Be brief.\n\nQuestion: Who?")])) == ()


def test_a_document_and_its_question_in_one_message_are_told_apart() -> None:
    (beginning,) = beginnings_of(order(about(DOCUMENT, "Who?")))
    assert beginning.cut == Cut(0, len(DOCUMENT) + len("\n\nQuestion: "))
    (other,) = beginnings_of(order(about(DOCUMENT, "What else?")))
    assert other.digest == beginning.digest


@pytest.mark.parametrize(
    "changed",
    [
        order(about(DOCUMENT[:-2] + "!\n", "Who?")),
        order(about(DOCUMENT, "Who?"), intent="model=y"),
        order(about(DOCUMENT, "Who?"), wire=Wire.CHAT),
        order(about(DOCUMENT, "Who?"), system="Be brief."),
        order(about(DOCUMENT, "Who?"), tools=[{"name": "look"}]),
    ],
)
def test_anything_else_before_the_question_makes_another_beginning(changed: object) -> None:
    (beginning,) = beginnings_of(order(about(DOCUMENT, "Who?")))
    assert beginning.digest not in {other.digest for other in beginnings_of(changed)}  # type: ignore[arg-type]


def test_a_conversation_that_goes_on_begins_as_it_did() -> None:
    turns = [user(DOCUMENT), {"role": "assistant", "content": "Noted."}, user("Who?")]
    before = beginnings_of(order(turns))
    longer = [*turns, {"role": "assistant", "content": "Ann."}, user("When?")]
    after = beginnings_of(order(longer))
    assert [beginning.digest for beginning in after[:2]] == [beginning.digest for beginning in before]
    assert len(after) == 4


def test_images_do_not_make_a_prompt_long() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "x" * 10_000}}
    assert beginnings_of(order([user([image]), user("What is it?")], org_id=ORG)) == ()
