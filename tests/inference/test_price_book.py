"""What a call costs: exactly what the maintained table says, in whole nano-USD, at the time it was made."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import genai_prices
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.domain import Model, Usage, Wire
from inference.pricing import PriceBook, PriceError
from inference.pricing.rates import UsdCard
from inference.pricing.schedule import PriceOverride
from inference.registry import Registry
from tests.inference.model_files import Clock

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "models.yaml"
REGISTRY = Registry.load(SHIPPED, PriceBook.load(SHIPPED), date(2026, 11, 20))
MODELS = {model.id: model for model in REGISTRY.models}
CONTEXTS = {
    "": None,
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}


def a_model(provider: str, upstream_id: str) -> Model:
    return Model(upstream_id, provider, upstream_id, Wire.CHAT, 1, 1, 1, frozenset(), {"default": 1.0})


counts = st.one_of(st.integers(0, 5_000), st.integers(0, 1_000_000))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    plain, cached, write, hour = draw(counts), draw(counts), draw(counts), draw(counts)
    output = draw(counts)
    return Usage(
        input_tokens=plain + cached + write + hour,
        output_tokens=output,
        cached_input_tokens=cached,
        cache_write_tokens=write + hour,
        cache_write_1h_tokens=hour,
        reasoning_tokens=output // 2,
    )


def published_price(model: Model, usage: Usage, at: datetime, service: str) -> int:
    calculation = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cached_input_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens,
            output_tokens=usage.output_tokens,
        ),
        model.upstream_id,
        provider_id=model.provider,
        genai_request_timestamp=at,
        price_context=CONTEXTS[service],
    )
    return int((calculation.total_price * 10**9).to_integral_value(ROUND_HALF_UP))


@settings(max_examples=60, deadline=None)
@given(
    usage=usages(),
    at=st.datetimes(datetime(2026, 8, 1), datetime(2027, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    service=st.sampled_from(sorted(CONTEXTS)),
)
def test_every_registered_model_costs_what_the_table_says_whenever_it_is_called(
    usage: Usage, at: datetime, service: str
) -> None:
    then, now = PriceBook(), PriceBook(clock=at.timestamp)
    for model in MODELS.values():
        published = published_price(model, usage, at, service)
        assert then.price(model, usage, at, service) == published
        assert now.price(model, usage, service=service) == published


@settings(max_examples=80, deadline=None)
@given(
    usage=usages(),
    spare=st.tuples(counts, counts),
    at=st.datetimes(datetime(2026, 11, 29), datetime(2026, 12, 3), timezones=st.just(UTC)),  # noqa: DTZ001
    seconds=st.integers(0, 15 * 60),
)
def test_no_call_costs_more_than_was_reserved_for_it_even_if_it_ends_a_quarter_of_an_hour_later(
    usage: Usage, spare: tuple[int, int], at: datetime, seconds: int
) -> None:
    clock = Clock(2026, 11, 20)
    clock.now = at
    book = PriceBook(clock=clock)
    bounds = {
        name: book.bound(model, usage.input_tokens + spare[0], usage.output_tokens + spare[1])
        for name, model in MODELS.items()
    }
    clock.now += timedelta(seconds=seconds)
    for name, model in MODELS.items():
        assert book.price(model, usage) <= bounds[name]


def test_a_fraction_of_a_nano_dollar_is_rounded_half_up_once_at_the_end() -> None:
    book, model = PriceBook(), MODELS["command-r7b"]  # 37.5 nano-USD for a token read, 150 for one written
    assert book.price(model, Usage(input_tokens=1)) == 38
    assert book.price(model, Usage(input_tokens=2)) == 75
    assert book.price(model, Usage(input_tokens=3, output_tokens=1)) == 263
    assert isinstance(book.price(model, Usage(input_tokens=1)), int)


def test_a_prompt_above_the_threshold_pays_the_long_rate_for_all_its_tokens() -> None:
    book, model = PriceBook(), MODELS["gpt-6.1-sol"]
    assert book.price(model, Usage(272_000, 1_000)) == 272_000 * 2_000 + 1_000 * 10_000
    assert book.price(model, Usage(272_001, 1_000)) == 272_001 * 4_000 + 1_000 * 15_000


def test_a_price_change_takes_effect_at_its_hour_without_a_restart() -> None:
    clock = Clock(2026, 11, 30, 23, 59)
    book, model, usage = PriceBook(clock=clock), MODELS["gemini-4-argon"], Usage(1_000_000, 1_000_000)
    before, epoch = book.price(model, usage), book.epoch
    clock.now += timedelta(minutes=1)
    assert (before, book.price(model, usage)) == (12_000_000_000, 24_000_000_000)
    assert book.epoch > epoch


def test_a_reservation_looks_a_quarter_of_an_hour_ahead_for_a_higher_price_and_no_further() -> None:
    clock = Clock(2026, 11, 30, 12)
    book, model = PriceBook(clock=clock), MODELS["gemini-4-argon"]
    reserved = []
    for hour, minute in ((12, 0), (23, 44), (23, 46), (23, 59)):
        clock.now = clock.now.replace(hour=hour, minute=minute)
        reserved.append(book.bound(model, 1_000, 1_000))
        assert book.price(model, Usage(1_000, 1_000)) == 12_000_000
    assert reserved == [12_000_000, 12_000_000, 24_000_000, 24_000_000]


def test_peak_hours_cost_more_and_end_again() -> None:
    clock = Clock(2026, 11, 20, 0, 30)
    book, model, usage = PriceBook(clock=clock), MODELS["deepseek-flash"], Usage(1_000_000)
    costs = []
    for hour in (0, 1, 3, 4, 6, 10):
        clock.now = clock.now.replace(hour=hour)
        costs.append(book.price(model, usage))
    assert costs == [150_000_000, 300_000_000, 300_000_000, 150_000_000, 300_000_000, 150_000_000]


def test_an_old_call_is_repriced_as_of_its_day() -> None:
    book, model, usage = PriceBook(), MODELS["mistral-large-4"], Usage(1_000_000)
    days = (datetime(2026, 10, 19, tzinfo=UTC), datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 10, 29, tzinfo=UTC))
    assert [book.price(model, usage, day) for day in days] == [680_000_000, 1_360_000_000, 700_000_000]


def test_a_service_tier_has_its_own_price_and_an_unknown_one_is_standard() -> None:
    book, model, usage = PriceBook(clock=Clock(2026, 11, 20)), MODELS["gpt-6.1-sol"], Usage(1_000_000 // 10, 0)
    standard = book.price(model, usage)
    assert book.price(model, usage, service="priority") == 2 * standard
    assert book.price(model, usage, service="flex") * 2 == standard
    assert book.price(model, usage, service="default") == standard
    assert book.price(model, usage, service="whatever comes next") == standard
    assert book.bound(model, 100_000, 0, "priority") == 2 * book.bound(model, 100_000, 0)


def test_cached_input_is_cheap_and_writing_a_cache_is_not() -> None:
    book, model = PriceBook(), MODELS["claude-sonnet-5-5"]
    assert book.price(model, Usage(1_000, cached_input_tokens=1_000)) == 1_000 * 100
    assert book.price(model, Usage(1_000, cache_write_tokens=1_000)) == 1_000 * 2_500
    assert book.price(model, Usage(1_000, cache_write_tokens=1_000, cache_write_1h_tokens=1_000)) == 1_000 * 4_000
    assert book.bound(model, 1_000, 0) == 1_000 * 4_000


def test_counts_that_contradict_each_other_never_lower_a_price() -> None:
    book, model = PriceBook(), MODELS["claude-sonnet-5-5"]
    assert book.price(model, Usage(10, cached_input_tokens=1_000)) == 1_000 * 100


def test_our_own_price_holds_from_its_day_until_its_last_and_the_table_before_and_after() -> None:
    key = ("openai", "gpt-6-luna")
    ours = PriceOverride(date(2026, 11, 1), date(2026, 12, 1), (UsdCard(-1, Decimal(3), Decimal(7)),))
    book, model, usage = PriceBook({key: [ours]}), MODELS["gpt-6-luna"], Usage(1_000, 1_000)
    prices = [book.price(model, usage, datetime(2026, month, 1, tzinfo=UTC)) for month in (10, 11, 12)]
    assert prices == [600_000, 10_000_000, 600_000]


def test_an_override_alone_prices_a_model_that_no_table_knows() -> None:
    cards = (UsdCard(-1, Decimal(1), Decimal(2), Decimal("0.1")), UsdCard(1_000, Decimal(2), Decimal(4)))
    book = PriceBook({("our-vllm", "our-llama"): [PriceOverride(date(2026, 11, 1), None, cards)]})
    model = a_model("our-vllm", "our-llama")
    assert book.price(model, Usage(1_000, 1_000, cached_input_tokens=500)) == 500 * 1_000 + 500 * 100 + 1_000 * 2_000
    assert book.price(model, Usage(1_001, 0)) == 1_001 * 2_000
    assert [card.above_input_tokens for card in book.rates(model).long_context] == [1_000]
    with pytest.raises(PriceError, match="no price is known"):
        PriceBook().price(model, Usage(1))


def test_a_reservation_made_before_a_long_context_threshold_is_passed_is_not_undercut_by_a_cheaper_long_rate() -> None:
    cards = (UsdCard(-1, Decimal(5), Decimal(5)), UsdCard(1_000, Decimal(1), Decimal(1)))
    book = PriceBook({("our-vllm", "odd"): [PriceOverride(date(2026, 1, 1), None, cards)]})
    model = a_model("our-vllm", "odd")
    assert book.bound(model, 2_000, 100) >= book.price(model, Usage(1_000, 100))


def test_a_price_that_would_make_bills_inexact_is_refused() -> None:
    override = PriceOverride(date(2026, 1, 1), None, (UsdCard(-1, Decimal("0.0000000001"), Decimal(1)),))
    with pytest.raises(PriceError, match="whole number of nano-USD"):
        PriceBook({("our-vllm", "x"): [override]}).price(a_model("our-vllm", "x"), Usage(1))


@pytest.mark.parametrize(
    ("provider", "name", "why"),
    [
        ("openai", "no-such-model", "no price is known"),
        ("openai", "whisper-1", "no price per input token"),
        ("perplexity", "sonar-pro", "requests_kcount"),
        ("cerebras", "llama3.1-8b", "deprecated"),
    ],
)
def test_a_model_whose_price_we_do_not_know_or_trust_cannot_be_sold(provider: str, name: str, why: str) -> None:
    assert why in PriceBook().check(a_model(provider, name))


def test_the_version_names_the_table_and_changes_with_every_override() -> None:
    def version(price: int) -> str:
        override = PriceOverride(date(2026, 1, 1), None, (UsdCard(-1, Decimal(price), Decimal(1)),))
        return PriceBook({("a", "b"): [override]}).version

    plain = PriceBook().version
    assert plain == f"genai-prices {genai_prices.__version__}"
    assert len({plain, version(1), version(2)}) == 3
    assert version(1) == version(1)
    assert all(len(v) <= 60 for v in (plain, version(1)))


def test_rates_are_shown_in_dollars_per_million_tokens() -> None:
    rates = PriceBook().rates(MODELS["gpt-6.1-sol"])
    assert (rates.input, rates.cached_input, rates.cache_write, rates.output) == (
        Decimal(2),
        Decimal("0.1"),
        Decimal("2.5"),
        Decimal(10),
    )
    assert [(r.above_input_tokens, r.input) for r in rates.long_context] == [(272_000, Decimal(4))]
