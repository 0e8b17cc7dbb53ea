"""Whatever a provider charges for beside plain text, and however it is served, costs what was published for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, PriceVariant
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.domain import Extras, Model, Usage, Wire
from inference.models_file import RegistryError
from inference.pricing import PriceBook, PriceError
from inference.pricing.genai import GenaiSchedule
from inference.pricing.terms import ProviderTerms
from tests.inference.model_files import Clock, load_models, model
from tests.inference.test_price_book import MODELS, SHIPPED

TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
HALF = {"groq": ProviderTerms(Decimal("0.5")), "cerebras": ProviderTerms(Decimal("0.5"))}


def a_model(provider: str, upstream_id: str) -> Model:
    return Model(upstream_id, provider, upstream_id, Wire.CHAT, 10**6, 10**5, 1, frozenset(), {"default": 1.0})


LISTENING = (
    a_model("openai", "gpt-audio"),
    a_model("openai", "gpt-4o-realtime-preview"),
    a_model("google", "gemini-2.5-flash"),
    a_model("openrouter", "perplexity/sonar-deep-research"),
    MODELS["claude-haiku-5-5"],
)
counts = st.integers(0, 200_000)


@settings(max_examples=60, deadline=None)
@given(plain=counts, heard=counts, cached=counts, written=counts, said=counts, thought=counts, web=st.integers(0, 50))
def test_audio_reasoning_and_searches_cost_what_the_table_says(
    plain: int, heard: int, cached: int, written: int, said: int, thought: int, web: int
) -> None:
    usage = Usage(
        plain + heard + cached, written + said + thought, cached, reasoning_tokens=thought,
        extras=Extras(heard, 0, said, web),
    )  # fmt: skip
    table = genai_prices.Usage(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cache_read_tokens=cached,
        input_audio_tokens=heard, cache_audio_read_tokens=0, output_audio_tokens=said,
        output_reasoning_tokens=thought, web_searches=web,
    )  # fmt: skip
    book = PriceBook()
    for listening in LISTENING:
        published = genai_prices.calc_price(
            table, listening.upstream_id, provider_id=listening.provider, genai_request_timestamp=TODAY
        )
        nano = int((published.total_price * 10**9).to_integral_value(ROUND_HALF_UP))
        assert book.price(listening, usage, TODAY) == nano


def test_cached_audio_has_its_own_rate_or_costs_as_much_as_audio() -> None:
    book = PriceBook()
    usage = Usage(1_000, cached_input_tokens=1_000, extras=Extras(1_000, 1_000))
    assert book.lines(a_model("google", "gemini-2.5-flash"), usage) == (("cached_audio", 1_000, 100_000_000),)
    assert book.lines(a_model("openai", "gpt-audio"), usage) == (("cached_audio", 1_000, 32_000_000_000),)


def test_searches_cost_the_same_in_a_batch() -> None:
    book, searched = PriceBook(), Usage(extras=Extras(web_searches=3))
    costs = {book.price(MODELS["claude-opus-5-5"], searched, TODAY, service) for service in ("", "batch", "fast")}
    assert costs == {30_000_000}


@pytest.mark.parametrize("name", ["gpt-image-1", "gpt-realtime-2"])
def test_a_model_with_a_price_for_something_no_answer_counts_cannot_be_sold(name: str) -> None:
    assert "input_image_mtok" in PriceBook().check(a_model("openai", name))


def test_a_price_that_only_one_service_has_and_that_cannot_be_charged_is_found_before_it_is_used() -> None:
    standard = ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2))
    odd = PriceVariant({"service_tier": "priority"}, ModelPrice(output_citation_mtok=Decimal(3)))
    other = PriceVariant({"route": "elsewhere"}, ModelPrice(output_citation_mtok=Decimal(3)))
    GenaiSchedule(ModelInfo("m", ClauseEquals("m"), prices=standard, price_variants=[other]), "").check()
    with pytest.raises(PriceError, match="output_citation_mtok"):
        GenaiSchedule(ModelInfo("m", ClauseEquals("m"), prices=standard, price_variants=[odd]), "").check()


def test_a_batch_costs_what_the_table_says_where_it_says_something() -> None:
    shipped, bare = PriceBook.load(SHIPPED), PriceBook()
    usage = Usage(100_000, 10_000, 20_000)
    for name in ("gpt-6.1-sol", "claude-opus-5-5", "gemini-4-argon", "mistral-large-4", "gpt-oss-120b", "grok-4.3"):
        assert shipped.price(MODELS[name], usage, TODAY, "batch") == bare.price(MODELS[name], usage, TODAY, "batch")
    for name in ("gpt-6.1-sol", "claude-opus-5-5", "gemini-4-argon", "mistral-large-4"):
        assert shipped.price(MODELS[name], usage, TODAY, "batch") * 2 == shipped.price(MODELS[name], usage, TODAY)


def test_a_batch_costs_less_by_what_its_provider_promises_where_the_table_says_nothing() -> None:
    shipped, fireworks = PriceBook.load(SHIPPED), MODELS["deepseek-v4.1-flash-fireworks"]
    assert shipped.price(fireworks, Usage(1_000_000), TODAY, "batch") == 150_000_000
    assert shipped.price(fireworks, Usage(0, 1_000_000), TODAY, "batch") == 600_000_000
    cached = Usage(1_000_000, cached_input_tokens=1_000_000)
    assert shipped.price(fireworks, cached, TODAY, "batch") == shipped.price(fireworks, cached, TODAY) == 6_000_000


def test_a_batch_costs_the_same_where_nobody_promises_anything() -> None:
    shipped, together = PriceBook.load(SHIPPED), MODELS["glm-5.3-flash-together"]
    usage = Usage(100_000, 10_000)
    assert shipped.price(together, usage, TODAY, "batch") == shipped.price(together, usage, TODAY)


def test_a_general_discount_does_not_go_on_top_of_the_tables_own() -> None:
    then = datetime(2026, 10, 1, tzinfo=UTC)  # the table's batch prices begin on the 14th
    book, fast, usage = PriceBook(terms=HALF), MODELS["gpt-oss-120b"], Usage(1_000_000)
    assert book.price(fast, usage, then) == 150_000_000
    assert [book.price(fast, usage, at, "batch") for at in (then, TODAY)] == [75_000_000, 75_000_000]


def test_a_cached_token_in_a_batch_costs_no_more_than_a_plain_one() -> None:
    book, plain_cache = PriceBook(terms=HALF), MODELS["gpt-oss-120b-cerebras"]
    cached = Usage(1_000_000, cached_input_tokens=1_000_000)
    assert book.price(plain_cache, cached, TODAY) == 350_000_000
    assert book.price(plain_cache, cached, TODAY, "batch") == 175_000_000


def test_an_embedding_model_charges_for_what_it_reads() -> None:
    book, embedder = PriceBook(), a_model("openai", "text-embedding-3-small")
    assert book.price(embedder, Usage(1_000_000), TODAY) == 20_000_000
    assert "no price per output token" in book.check(embedder)


def priced(tmp_path: Path, *prices: dict[str, Any]) -> tuple[Model, PriceBook]:
    registry, book = load_models(tmp_path, model("ours", prices=list(prices)))
    return registry.models[0], book


NIGHT = {"starts_at": "22:00", "ends_at": "06:00"}


def test_our_own_prices_can_hold_for_some_hours_of_each_day(tmp_path: Path) -> None:
    day = {"starts_on": "2026-11-01", "input": "2", "output": "4"}
    ours, book = priced(tmp_path, {**day, "input": "1", **NIGHT}, day)
    at = [datetime(2026, 11, 20, hour, minute, tzinfo=UTC) for hour, minute in ((21, 59), (22, 0), (5, 59), (6, 0))]
    assert [book.price(ours, Usage(1_000_000), moment) for moment in at] == [2 * 10**9, 10**9, 10**9, 2 * 10**9]


def test_a_later_price_for_all_day_goes_before_an_earlier_one_for_the_night(tmp_path: Path) -> None:
    day = {"starts_on": "2026-11-01", "input": "2", "output": "4"}
    ours, book = priced(tmp_path, day, {**day, "input": "1", **NIGHT}, {**day, "starts_on": "2026-11-15", "input": "3"})
    nights = [datetime(2026, 11, day, 23, tzinfo=UTC) for day in (14, 15)]
    assert [book.price(ours, Usage(1_000_000), night) for night in nights] == [10**9, 3 * 10**9]


def test_a_reservation_looks_ahead_to_the_hour_at_which_our_price_rises(tmp_path: Path) -> None:
    day = {"starts_on": "2026-11-01", "input": "2", "output": "4"}
    ours, _ = priced(tmp_path, day, {**day, "input": "1", **NIGHT})
    clock = Clock(2026, 11, 20, 5, 30)
    book = PriceBook.load(tmp_path / "models.yaml", clock)
    before = book.bound(ours, 1_000_000, 0)
    clock.now += timedelta(minutes=20)
    assert (before, book.bound(ours, 1_000_000, 0), book.price(ours, Usage(1_000_000))) == (10**9, 2 * 10**9, 10**9)


@pytest.mark.parametrize(
    ("hours", "why"),
    [
        ({"starts_at": 990, "ends_at": "18:00"}, "in quotes"),
        ({"starts_at": "16:30"}, "go together"),
        ({"starts_at": "25:00", "ends_at": "26:00"}, "starts_at"),
    ],
)
def test_hours_that_could_be_misread_are_refused(tmp_path: Path, hours: dict[str, Any], why: str) -> None:
    with pytest.raises(RegistryError, match=why):
        priced(tmp_path, {"starts_on": "2026-11-01", "input": "1", "output": "1", **hours})


def test_our_own_prices_can_name_services_kinds_and_fees(tmp_path: Path) -> None:
    ours, book = priced(
        tmp_path,
        {
            "starts_on": "2026-11-01", "input": "1", "output": "4", "reasoning": "6", "audio_input": "8",
            "web_search": "10", "long_context": [{"above": 1000, "input": "2", "output": "8"}],
            "services": {"priority": {"input": "3", "output": "12"}},
        },
    )  # fmt: skip
    usage = Usage(1_000, 100, reasoning_tokens=40, extras=Extras(500, web_searches=2))
    assert book.price(ours, usage, TODAY) == 500 * 1_000 + 500 * 8_000 + 60 * 4_000 + 40 * 6_000 + 20_000_000
    assert book.price(ours, usage, TODAY, "priority") == 1_000 * 3_000 + 100 * 12_000 + 20_000_000
    long = Usage(2_000, extras=Extras(web_searches=1))
    assert book.price(ours, long, TODAY) == 2_000 * 2_000 + 10_000_000
    assert book.price(ours, Usage(1_000), TODAY, "flex") == 1_000_000


def test_what_is_said_of_prices_anywhere_changes_the_version() -> None:
    assert PriceBook(terms=HALF).version != PriceBook().version
    assert PriceBook(terms=HALF).version == PriceBook(terms=dict(reversed(HALF.items()))).version
    other = {**HALF, "groq": ProviderTerms(Decimal("0.4"))}
    assert PriceBook(terms=other).version != PriceBook(terms=HALF).version
    assert "+" in PriceBook.load(SHIPPED).version
