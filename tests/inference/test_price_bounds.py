"""What is reserved for a call is never less than what it costs, whichever way it is served and whatever it uses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.domain import (
    PRICED_SERVICES,
    STANDARD_SERVICE,
    Call,
    Controls,
    Extras,
    Model,
    RoutingMode,
    Usage,
    Wire,
)
from inference.models_file import read_models_file
from inference.pricing import PriceBook
from inference.pricing.rates import UsdCard
from inference.pricing.schedule import PriceOverride
from inference.pricing.terms import terms_of
from inference.wire.searches import UNLIMITED_SEARCHES, searches_bound
from tests.inference.model_files import Clock
from tests.inference.test_price_book import MODELS, SHIPPED

# One that charges for everything apart, the odd way round in places: nothing below may rely on an order of rates.
ODD = Model("odd", "our-lab", "odd", Wire.CHAT, 400_000, 64_000, 1, frozenset(), {"default": 1.0})
AUDIO = Model("gpt-audio", "openai", "gpt-audio", Wire.CHAT, 128_000, 16_384, 1, frozenset(), {"default": 1.0})


TERMS = {provider.id: terms_of(provider) for provider in read_models_file(SHIPPED).providers}
TERMS["openai"] = replace(TERMS["openai"], unasked_services=frozenset({"flex", "priority"}))


def odd_card(above: int, factor: str) -> UsdCard:
    kinds = {
        "input": "1", "output": "4", "cached_input": "1.5", "cache_write": "0.5", "cache_write_1h": "3",
        "audio_input": "8", "cached_audio": "9", "audio_output": "2", "reasoning": "6",
        "web_search": "10", "file_search": "2.5",
    }  # fmt: skip
    return UsdCard(above, **{kind: Decimal(rate) * Decimal(factor) for kind, rate in kinds.items()})


def odd_prices() -> list[PriceOverride]:
    cards = (odd_card(-1, "1"), odd_card(50_000, "0.5"), odd_card(100_000, "2"))
    services = (("batch", (odd_card(-1, "0.5"),)), ("priority", (odd_card(-1, "1.5"), odd_card(80_000, "3"))))
    return [PriceOverride(date(2026, 1, 1), None, cards, services=services)]


def book_at(moment: datetime) -> tuple[PriceBook, Clock]:
    clock = Clock(2026, 1, 1)
    clock.now = moment
    return PriceBook({("our-lab", "odd"): odd_prices()}, clock, TERMS), clock


def a_call(service: str, bound: int, searches: int = 0) -> Call:
    controls = Controls(routing_mode=RoutingMode.EXPLICIT)
    return Call(
        "r", Wire.CHAT, {}, None, False, False, None, bound, controls, 0.0, service=service, searches=searches
    )  # fmt: skip


def split(draw: st.DrawFn, total: int, parts: int) -> list[int]:
    cuts = sorted(draw(st.lists(st.integers(0, total), min_size=parts - 1, max_size=parts - 1)))
    return [b - a for a, b in zip([0, *cuts], [*cuts, total], strict=True)]


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Any that does not contradict itself."""
    input_tokens = draw(st.one_of(st.integers(0, 3_000), st.integers(0, 400_000)))
    output = draw(st.integers(0, 60_000))
    _, cached, cached_audio, heard, write, hour = split(draw, input_tokens, 6)
    _, said, reasoning = split(draw, output, 3)
    web, files = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    extras = Extras(heard + cached_audio, cached_audio, said, web, files)
    return Usage(
        input_tokens, output, cached + cached_audio, write + hour, hour, reasoning,
        extras=draw(st.sampled_from([extras, None])),
    )  # fmt: skip


@pytest.mark.parametrize("names", [("gpt-6.1-sol", "claude-opus-5-5", "claude-haiku-5-5"), ("deepseek-flash", "odd")])
@settings(max_examples=80, deadline=None)
@given(
    usage=usages(),
    asked=st.sampled_from(["", STANDARD_SERVICE, *sorted(PRICED_SERVICES)]),
    spare=st.integers(0, 1_000),
    at=st.datetimes(datetime(2026, 11, 19), datetime(2026, 12, 3), timezones=st.just(UTC)),  # noqa: DTZ001
    seconds=st.integers(0, 15 * 60),
)
def test_no_call_costs_more_than_its_worst_case_whichever_way_it_is_served(
    names: tuple[str, ...], usage: Usage, asked: str, spare: int, at: datetime, seconds: int
) -> None:
    book, clock = book_at(at)
    extras = usage.extras or Extras()
    call = a_call(asked, usage.input_tokens + spare, extras.web_searches + extras.file_searches)
    models = [MODELS.get(name, ODD) for name in names]
    worst = [book.worst_case(model, call, usage.output_tokens + spare) for model in models]
    clock.now += timedelta(seconds=seconds)
    for model, reserved in zip(models, worst, strict=True):
        given_unasked = {"", "flex", "priority"} if model.provider == "openai" and not asked else {""}
        for service in given_unasked | ({asked} - {STANDARD_SERVICE}):
            assert book.price(model, usage, service=service) <= reserved


@settings(max_examples=200, deadline=None)
@given(usage=usages(), service=st.sampled_from(["", *sorted(PRICED_SERVICES)]))
def test_the_lines_of_a_price_add_up_to_it_and_count_each_token_once(usage: Usage, service: str) -> None:
    book, _ = book_at(datetime(2026, 11, 20, tzinfo=UTC))
    for model in (ODD, AUDIO, MODELS["gpt-6.1-sol"], MODELS["claude-haiku-5-5"], MODELS["gpt-oss-120b"]):
        lines = book.lines(model, usage, service=service)
        total = sum(count * rate for _, count, rate in lines)
        assert book.price(model, usage, service=service) == (total + 500_000) // 1_000_000
        read = sum(count for kind, count, _ in lines if "input" in kind or "cache" in kind)
        wrote = sum(count for kind, count, _ in lines if kind in ("output", "reasoning", "audio_output"))
        assert (read, wrote) == (usage.input_tokens, usage.output_tokens)
        assert all(count > 0 for _, count, _ in lines)


def test_a_call_that_names_no_service_reserves_what_its_account_may_be_set_to() -> None:
    book, _ = book_at(datetime(2026, 11, 20, tzinfo=UTC))
    model = MODELS["gpt-6.1-sol"]
    unnamed, standard = (book.worst_case(model, a_call(service, 1_000), 1_000) for service in ("", STANDARD_SERVICE))
    assert unnamed == book.bound(model, 1_000, 1_000, "priority") == 2 * standard


def test_fast_mode_is_reserved_only_when_it_is_asked_for() -> None:
    book, _ = book_at(datetime(2026, 11, 20, tzinfo=UTC))
    model = MODELS["claude-opus-5-5"]
    plain, fast = (book.worst_case(model, a_call(service, 1_000), 1_000) for service in ("", "fast"))
    assert fast == 2 * plain


def test_a_call_that_may_search_reserves_the_fees_and_all_that_its_model_can_read() -> None:
    book, _ = book_at(datetime(2026, 11, 20, tzinfo=UTC))
    model = MODELS["claude-sonnet-5-5"]
    searching = book.worst_case(model, a_call("", 1_000, searches=3), 1_000)
    assert searching == book.bound(model, model.context_tokens, 1_000) + 3 * 10_000_000


@pytest.mark.parametrize(
    ("body", "most"),
    [
        ({}, 0),
        ({"tools": [{"type": "function", "function": {"name": "web_search"}}]}, 0),
        ({"web_search_options": {}}, 1),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 4}]}, 4),
        ({"tools": [{"type": "web_search"}, {"type": "file_search"}]}, 2 * UNLIMITED_SEARCHES),
        ({"tools": [{"type": "web_search"}], "max_tool_calls": 3}, 3),
        ({"tools": "not a list"}, 0),
    ],
)
def test_a_request_says_how_many_searches_it_allows(body: dict[str, object], most: int) -> None:
    assert searches_bound(body) == most


def test_counts_that_contradict_each_other_never_make_a_price_negative() -> None:
    book, _ = book_at(datetime(2026, 11, 20, tzinfo=UTC))
    usage = Usage(10, 10, 1_000, 500, 700, 2_000, extras=Extras(5_000, 9_000, 3_000))
    for contradicting in (usage, replace(usage, input_tokens=0, output_tokens=0)):
        assert all(count > 0 for _, count, _ in book.lines(ODD, contradicting))
        assert book.price(ODD, contradicting) >= 0
