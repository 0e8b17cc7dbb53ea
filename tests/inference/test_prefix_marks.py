"""Marks for providers' prompt caches: where they stand, when they pay, and that they change nothing a model reads."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from caching.workflow.prefixes import Sighting
from inference.crossing import Crossing, crossing_for
from inference.domain import Model, Order, PrefixMarks, Wire
from inference.wire.format import format_of
from inference.workflow.beginnings import beginnings_of
from inference.workflow.marks import marked_body
from inference.workflow.placement import place_marks
from tests.inference.workflow_orders import BOOK, DOCUMENT, HAIKU, LUNA, MINI, SONNET, about, order, user

SURE, UNLIKELY = Sighting(None, 0, 0.9, 0.9), Sighting(None, 0, 0.1, 0.1)
MARK = {"type": "ephemeral"}
BREAKPOINT = {"mode": "explicit"}


def placed(asked: Order, sighting: Sighting = SURE) -> PrefixMarks:
    return place_marks(BOOK, asked, beginnings_of(asked), sighting)


def sent(asked: Order, model: Model, sighting: Sighting = SURE) -> dict[str, Any]:
    crossing = crossing_for(asked.call, model, placed(asked, sighting))
    assert isinstance(crossing, Crossing), crossing
    body: dict[str, Any] = msgspec.json.decode(crossing.request)
    return body


def test_the_document_is_marked_before_the_question() -> None:
    (turn,) = sent(order(about(DOCUMENT, "Who?"), max_tokens=9), SONNET)["messages"]
    document, question = turn["content"]
    assert document == {"type": "text", "text": f"{DOCUMENT}\n\nQuestion: ", "cache_control": MARK}
    assert question == {"type": "text", "text": "Who?"}


def test_instructions_are_marked_at_their_end() -> None:
    body = sent(order([user("Who?")], system=DOCUMENT, max_tokens=9), SONNET)
    assert body["system"] == [{"type": "text", "text": DOCUMENT, "cache_control": MARK}]
    assert body["messages"] == [user("Who?")]


def test_a_mark_crosses_into_the_other_wire() -> None:
    asked = order([{"role": "system", "content": DOCUMENT}, user("Who?")], wire=Wire.CHAT)
    assert sent(asked, SONNET)["system"] == [{"type": "text", "text": DOCUMENT, "cache_control": MARK}]


def test_openai_gets_a_key_and_its_models_that_charge_for_writing_a_breakpoint() -> None:
    turns = [{"role": "system", "content": DOCUMENT}, user("Who?")]
    asked = order(turns, wire=Wire.CHAT, candidates=(LUNA, MINI))
    luna, mini = sent(asked, LUNA, UNLIKELY), sent(asked, MINI, UNLIKELY)
    assert luna["messages"][0]["content"][-1]["prompt_cache_breakpoint"] == BREAKPOINT
    assert mini["messages"] == turns
    assert luna["prompt_cache_key"] == mini["prompt_cache_key"]


def test_a_key_is_the_same_for_every_question_and_another_for_another_organization_or_document() -> None:
    key = placed(order(about(DOCUMENT, "Who?"))).key
    assert placed(order(about(DOCUMENT, "When?"))).key == key
    assert placed(order(about(DOCUMENT, "Who?"), org_id="2")).key != key
    assert placed(order(about(f"x{DOCUMENT}", "Who?"))).key != key


def test_a_callers_own_key_is_kept() -> None:
    asked = order(about(DOCUMENT, "Who?"), wire=Wire.CHAT, candidates=(MINI,), prompt_cache_key="mine")
    assert sent(asked, MINI)["prompt_cache_key"] == "mine"


@pytest.mark.parametrize(
    "own",
    [
        {"system": [{"type": "text", "text": "Be brief.", "cache_control": MARK}]},
        {"tools": [{"name": "look", "input_schema": {}, "cache_control": MARK}]},
        {"cache_control": MARK},
    ],
)
def test_where_the_caller_places_marks_none_are_added(own: dict[str, Any]) -> None:
    assert placed(order(about(DOCUMENT, "Who?"), **own)).cuts == {}


def test_nothing_is_marked_that_is_not_expected_again() -> None:
    assert placed(order(about(DOCUMENT, "Who?")), UNLIKELY).cuts == {}


@pytest.mark.parametrize("model", [SONNET, HAIKU])
def test_a_mark_is_placed_from_where_it_is_expected_to_save_more_than_it_costs(model: Model) -> None:
    card = BOOK.tariff(model).card_for(10_000)
    even = (card.cache_write - card.input) / (card.input - card.cached_input)
    asked = order(about(DOCUMENT, "Who?"), candidates=(model,))
    assert placed(asked, Sighting(None, 0, even + 0.01, 0)).cuts
    assert not placed(asked, Sighting(None, 0, even - 0.01, 0)).cuts


def test_what_many_prompts_begin_with_is_marked_though_the_rest_is_not() -> None:
    turns = [user("Hello."), {"role": "assistant", "content": "Hi."}, user("Who?")]
    asked = order(turns, system=DOCUMENT)
    (cut,) = placed(asked, Sighting(0, 7, 0.1, 0.9)).cuts[SONNET.id]
    assert cut.turn == -1


def test_a_place_that_takes_no_mark_gives_it_to_the_one_before() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns = [user(DOCUMENT), {"role": "assistant", "content": None, "tool_calls": [call]}, user("Who?")]
    (cut,) = placed(order(turns, wire=Wire.CHAT)).cuts[SONNET.id]
    assert cut.turn == 0


@pytest.mark.parametrize("wire", [Wire.CHAT, Wire.MESSAGES])
def test_a_marked_request_is_the_same_request(wire: Wire) -> None:
    asked = order([user(DOCUMENT), {"role": "assistant", "content": "Noted."}, user("Who?")], wire=wire)
    body = marked_body(asked.call, SONNET, placed(asked))
    assert body != asked.call.body
    assert format_of(wire).canonical(body) == format_of(wire).canonical(asked.call.body)


def test_models_of_other_providers_get_the_request_as_it_came() -> None:
    asked = order(about(DOCUMENT, "Who?"), wire=Wire.CHAT)
    assert crossing_for(asked.call, MINI) is not None
    assert marked_body(asked.call, MINI, placed(asked)) is asked.call.body
