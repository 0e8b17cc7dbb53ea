"""The models file: what is in it, what is refused, and what became of models that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from inference import catalog
from inference.domain import Model, Usage, Wire
from inference.pricing import PriceBook
from inference.registry import Registry, RegistryError
from tests.inference.model_files import load_models, model, write_models

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "models.yaml"


@pytest.fixture(scope="module")
def prices() -> PriceBook:
    return PriceBook.load(SHIPPED)


@pytest.fixture(scope="module")
def shipped(prices: PriceBook) -> Registry:
    return Registry.load(SHIPPED, prices, date(2026, 11, 20))


def problems_of(path: Path, *models: dict, **sections: object) -> str:
    with pytest.raises(RegistryError) as caught:
        load_models(path, *models, **sections)
    return "\n".join(caught.value.problems)


def test_the_shipped_file_offers_many_models_of_many_providers(shipped: Registry) -> None:
    assert len(shipped.models) >= 20
    assert len(shipped.providers) >= 15
    assert {m.provider for m in shipped.models} <= set(shipped.providers)
    assert {p.wire for p in shipped.providers.values()} == {Wire.CHAT, Wire.MESSAGES, Wire.RESPONSES}
    assert all(p.base_url.startswith("https://") or p.base_url_env for p in shipped.providers.values())


@pytest.mark.parametrize(
    "line",
    [
        ("gpt-6-luna", "gpt-6.1-terra", "gpt-6.1-sol", "gpt-6-astra"),
        ("gpt-5.6-luna", "gpt-5.6-terra", "gpt-5.6-sol"),
        ("gpt-5.4-nano", "gpt-5.4-mini", "gpt-5.4"),
        ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-2"),
        ("gemini-3.5-flash-lite", "gemini-3.8-flash", "gemini-4-argon"),
        ("ministral-8b", "mistral-small-4", "mistral-large-4"),
        ("command-r7b", "command-a"),
    ],
)
def test_within_a_product_line_the_dearer_model_is_never_expected_to_be_worse(
    line: tuple[str, ...], shipped: Registry, prices: PriceBook
) -> None:
    models = [shipped.find(name) for name in line]
    costs = [prices.price(m, Usage(10_000, 10_000)) for m in models]
    assert costs == sorted(costs)
    for task in {task for m in models for task in m.quality}:
        qualities = [m.quality_for(task) for m in models]
        assert qualities == sorted(qualities), task


def test_a_model_is_found_by_every_name_it_has(shipped: Registry) -> None:
    command = shipped.find("command-a")
    assert command is not None
    assert command.upstream_id == "command-a-03-2025"
    for name in ("cohere/command-a", "command-a-03-2025", "cohere/command-a-03-2025"):
        assert shipped.find(name) is command
    assert shipped.find("command-b") is None
    assert shipped.find("") is None


@pytest.mark.parametrize(
    "name", ["gpt-4", "gpt-4-0613", "claude-2", "claude-2.1", "claude-3-opus", "claude-3-opus-latest"]
)
def test_a_retired_model_is_not_found_and_names_its_successor(name: str, shipped: Registry) -> None:
    assert shipped.find(name) is None
    retirement = shipped.retired(name)
    assert retirement is not None
    assert retirement.on < date(2026, 11, 20)
    assert shipped.find(retirement.successor) is not None


def test_a_current_model_is_not_retired(shipped: Registry) -> None:
    assert shipped.retired("gpt-6-luna") is None


def test_a_model_whose_last_day_is_announced_is_served_until_then_and_refused_after(tmp_path: Path) -> None:
    file = write_models(
        tmp_path,
        model("old", aliases=["old-2025"], retires_on=date(2026, 12, 11), successor="new"),
        model("new"),
    )
    before = Registry.load(file, PriceBook.load(file), date(2026, 12, 10))
    after = Registry.load(file, PriceBook.load(file), date(2026, 12, 11))
    assert before.find("old-2025") is before.find("old")
    assert before.announced["old"].successor == "new"
    assert before.retired("old") is None
    assert after.find("old") is None
    for name in ("old", "north/old", "old-2025"):
        retirement = after.retired(name)
        assert retirement is not None
        assert retirement.successor == "new"


def test_every_problem_in_the_file_is_named_at_once(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path,
        model("twin"),
        model("twin"),
        model("lost", provider="nowhere"),
        model("vague", quality={"code": 0.5}),
        model("odd", quality={"default": 0.5, "juggling": 0.9}, capabilities=["telepathy"]),
        model("gone"),
        model("free", prices=[]),
        model("wide", max_output_tokens=200_000),
        model("fading", retires_on=date(2030, 1, 1)),
        retired=[
            {"id": "gone", "retired_on": date(2026, 1, 1), "successor": "twin"},
            {"id": "dead", "retired_on": date(2026, 1, 1), "successor": "nobody"},
            {"id": "dying", "retired_on": date(2999, 1, 1), "successor": "twin"},
        ],
    )
    for expected in (
        "model name 'twin' stands for 2 entries",
        "lost: provider 'nowhere' is not in the file",
        "vague: quality has no default",
        "odd: quality for unknown tasks juggling",
        "odd: unknown capabilities telepathy",
        "model name 'gone' stands for 2 entries",
        "free: no price is known for free of north",
        "wide: max_output_tokens exceeds context_tokens",
        "fading: retires_on and successor go together",
        "dead: its successor 'nobody' is not registered",
        "dying: retired_on is still to come",
    ):
        assert expected in problems


def test_entries_of_the_wrong_shape_are_named_by_their_id(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, model("loud", quality=1.5), model("shy", colour="red", latency_ms=0))
    assert "models[loud].quality.default: Input should be less than or equal to 1" in problems
    assert "models[shy].colour: Extra inputs are not permitted" in problems
    assert "models[shy].latency_ms: Input should be greater than 0" in problems


@pytest.mark.parametrize("content", ["providers: [", "just words", "", "providers: []"])
def test_a_file_that_is_not_a_models_file_is_a_clear_error(content: str, tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(content)
    with pytest.raises(RegistryError, match="The models file is wrong"):
        PriceBook.load(file)
    with pytest.raises(RegistryError, match="cannot be read"):
        PriceBook.load(tmp_path / "absent.yaml")


def test_a_deprecated_model_is_not_sold_unless_we_price_it_ourselves(tmp_path: Path) -> None:
    cerebras = [{"id": "cerebras", "name": "C", "kind": "compatible", "wire": "chat", "base_url": "https://c.test/v1"}]
    old = model("llama3.1-8b", provider="cerebras", prices=[])
    assert "deprecated by cerebras" in problems_of(tmp_path, old, providers=cerebras)
    own = model("llama3.1-8b", provider="cerebras")
    registry, prices = load_models(tmp_path, own, providers=cerebras)
    assert prices.price(registry.models[0], Usage(1_000_000)) == 10**9


def test_a_registered_model_cannot_be_changed(shipped: Registry) -> None:
    found: Model = shipped.models[0]
    with pytest.raises(TypeError):
        found.quality["default"] = 0.0  # type: ignore[index]
    with pytest.raises(TypeError):
        shipped.providers["x"] = None  # type: ignore[index]


@pytest.fixture
def fresh_catalog() -> Iterator[None]:
    catalog.registry.cache_clear()
    catalog.price_book.cache_clear()
    yield
    catalog.registry.cache_clear()
    catalog.price_book.cache_clear()


def checks_output() -> str:
    with pytest.raises(SystemCheckError) as caught:
        call_command("check", tags=["models"])
    return str(caught.value)


@pytest.mark.usefixtures("fresh_catalog")
def test_the_start_is_stopped_by_a_wrong_models_file(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "config").mkdir()
    write_models(tmp_path / "config", model("free", prices=[]), model("lost", provider="nowhere"))
    settings.BASE_DIR = tmp_path
    output = checks_output()
    assert output.count("asahi.E010") == 2
    assert "free: no price is known" in output
    assert "lost: provider 'nowhere'" in output


@pytest.mark.usefixtures("fresh_catalog")
@pytest.mark.parametrize(
    ("name", "expected"),
    [("gpt-4", "Set ASAHI_ROUTING_BASELINE_MODEL to gpt-6.1-sol"), ("gpt-5000", "is not registered")],
)
def test_the_start_is_stopped_by_a_baseline_model_that_cannot_be_called(
    name: str, expected: str, settings: Any
) -> None:
    routing = settings.ASAHI.routing.model_copy(update={"baseline_model": name})
    settings.ASAHI = settings.ASAHI.model_copy(update={"routing": routing})
    output = checks_output()
    assert "asahi.E011" in output
    assert expected in output


@pytest.mark.usefixtures("fresh_catalog")
def test_the_shipped_models_and_baseline_pass_the_checks() -> None:
    call_command("check", tags=["models"])
