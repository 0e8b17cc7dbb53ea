"""Which requests are about a document, and what they ask about it: T3's, where all others are T2's.

A document is named by the caller, or it is what makes a prompt long. What is asked is told apart from it only where
that is certain; all the rest must then be equal to the letter for an answer to be given again.
"""

from __future__ import annotations

from dataclasses import replace

from inference.domain import Order
from inference.wire.format import format_of
from inference.wire.questions import Question
from inference.workflow.beginnings import LONG, size_of, turns_of
from inference.workflow.questions import question_begins

INTRODUCTION = "Answer from this document.\n\n"
"""What a native call's document stands behind, as its first instruction."""

_LONGEST_QUESTION = 1_000
"""Characters that a whole message may have to be taken for a question."""

NO_QUESTION = "does not end in a question in plain words"


def find_question(order: Order) -> Question | str:
    """What T2 looks for; why not, where there is nothing."""
    if about_document(order):
        return "about a document: left to T3"
    return _question_of(order) or NO_QUESTION


def find_question_about_document(order: Order) -> Question | str:
    """What T3 looks for."""
    return _question_of(order) or NO_QUESTION


def document_in(order: Order) -> str:
    """The document of a native call."""
    first: str = order.call.body["messages"][0]["content"]
    return first.removeprefix(INTRODUCTION)


def with_document(order: Order, text: str) -> Order:
    """The order with another text in the place of its document."""
    _, *turns = order.call.body["messages"]
    messages = [{"role": "system", "content": f"{INTRODUCTION}{text}"}, *turns]
    return replace(order, call=replace(order.call, body={**order.call.body, "messages": messages}))


def about_document(order: Order) -> bool:
    """After a glance, for an ordinary prompt."""
    call = order.call
    if call.controls.document_id or call.controls.document:
        return True
    if call.input_token_bound < LONG:
        return False
    turns = turns_of(call.body)
    before = sum(size_of(call.body.get(apart)) for apart in ("system", "instructions"))
    before += sum(size_of(turn.get("content")) for turn in turns[:-1] if isinstance(turn, dict))
    if before >= LONG or not turns:
        return before >= LONG
    question = _question_of(order)
    return question is not None and before + size_of(turns[-1].get("content")) - len(question.text) >= LONG


def _question_of(order: Order) -> Question | None:
    """The question at the end, without the document before it in the same message. A message that seems to bring some
    text and cannot be told apart from it has none: a text is never compared by meaning."""
    question = format_of(order.call.wire).question(order.call.body)
    at = 0 if question is None else question_begins(question.text)
    if question is None or not at:
        return None if question is None or _brings_text(question.text) else question
    for field in ("messages", "input"):
        turns = question.rest.get(field)
        if isinstance(turns, list):
            before = {**turns[-1], "content": question.text[:at]}
            return replace(question, text=question.text[at:], rest={**question.rest, field: [*turns[:-1], before]})
    return question


def _brings_text(text: str) -> bool:
    return len(text) > _LONGEST_QUESTION or "\n\n" in text.strip()
