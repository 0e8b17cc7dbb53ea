"""A new price table changes no bill before somebody has seen what it changes, and an old bill can be recomputed."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import UTC, date, datetime, time
from io import StringIO
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import ledger
from analytics.domain import UsageEvent
from governance.models import Organization
from inference import catalog, checks
from inference.price_review import changed_lines, model_changes
from inference.pricing import PriceBook
from inference.pricing.schedule import OverriddenSchedule
from inference.pricing.table import (
    Table,
    TableError,
    approve,
    approved_table,
    dump,
    installed_table,
    other_table,
    parse,
)
from inference.pricing.timetable import read, tariff_in, timetable_of, written
from tests.analytics.happenings import finished, started
from tests.inference.test_price_book import MODELS, SHIPPED
from tests.inference.test_price_bounds import odd_prices

BOOK = PriceBook.load(SHIPPED)
NEWER = """
from decimal import Decimal as _D
from .types import ConditionalPrice as _C, StartDateConstraint as _S
for _provider in providers:
    for _model in list(_provider.models):
        if (_provider.id, _model.id) == ("anthropic", "claude-opus-5-5"):
            _dearer = type(_model.prices)(**{**vars(_model.prices), "output_mtok": _D(25)})
            _model.prices = [_C(prices=_model.prices), _C(_S(datetime.date(2027, 1, 15)), prices=_dearer)]
        if (_provider.id, _model.id) == ("groq", "openai/gpt-oss-20b"):
            _provider.models.remove(_model)
"""


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a package in which one price rises and one model is gone."""
    folder = tmp_path_factory.mktemp("newer")
    shutil.copytree(Path(genai_prices.__file__).parent, folder / "genai_prices")
    with (folder / "genai_prices" / "data.py").open("a") as data:
        data.write(NEWER)
    info = folder / "genai_prices-9.9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: genai-prices\nVersion: 9.9.9\n")
    return folder


@pytest.fixture(scope="module")
def newer_wheel(newer: Path) -> Path:
    wheel = newer / "genai_prices-9.9.9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in sorted(newer.rglob("*.py")) + sorted(newer.rglob("METADATA")):
            archive.write(file, file.relative_to(newer))
    return wheel


@pytest.fixture
def approved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "prices.lock"
    monkeypatch.setattr(catalog, "approved_path", lambda: path)
    return path


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("prices", *arguments, stdout=out)
    return out.getvalue()


def problems() -> list[tuple[str, str]]:
    return [(str(problem.id), str(problem.msg)) for problem in checks.check_models()]


def test_every_shipped_price_is_approved() -> None:
    assert problems() == []
    assert approved_table(catalog.approved_path()) == installed_table(SHIPPED)


def test_what_is_approved_is_what_was_installed(approved: Path) -> None:
    assert f"genai-prices {genai_prices.__version__}" in said("approve")
    assert problems() == []
    assert "no rate of a registered model changes" in said("diff")
    assert json.loads(approved.read_text())["approved_on"] == datetime.now(UTC).date().isoformat()


def test_a_rate_that_is_not_as_approved_stops_the_start(approved: Path) -> None:
    said("approve")
    text = approved.read_text()
    assert '"output": "20", "web_search": "10"' in text
    approved.write_text(text.replace('"output": "20", "web_search": "10"', '"output": "19", "web_search": "10"'))
    found = problems()
    assert {problem for problem, _ in found} == {"asahi.E012"}
    assert "anthropic/claude-opus-5-5: standard output $19 -> $20 per million (+5.3 %), always" in " ".join(
        message for _, message in found
    )
    assert "claude-opus-5-5: standard output $19 -> $20" in said("diff")


def test_a_model_whose_price_nobody_approved_is_named(approved: Path) -> None:
    table = installed_table(SHIPPED)
    kept = {name: services for name, services in table.models.items() if name != "openai/gpt-6-luna"}
    approve(Table(table.version, kept), approved, date(2026, 11, 20))
    assert problems() == [("asahi.W012", "The price of openai/gpt-6-luna is not approved.")]
    approved.unlink()
    assert len(problems()) == len(table.models)
    with pytest.raises(CommandError, match="no rates were approved yet"):
        said("diff")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"table": "1", "models": {"a/b": {"standard": [{"rates": [{}]}]}}}'])
def test_approved_rates_that_cannot_be_read_stop_the_start(approved: Path, text: str) -> None:
    approved.write_text(text)
    ((problem, _),) = problems()
    assert problem == "asahi.E012"


@pytest.mark.parametrize("form", ["directory", "package", "wheel"])
def test_a_newer_table_is_compared_with_the_one_installed(newer: Path, newer_wheel: Path, form: str) -> None:
    path = {"directory": newer, "package": newer / "genai_prices", "wheel": newer_wheel}[form]
    shown = said("diff", "--against", str(path)).splitlines()
    assert shown == [
        f"genai-prices {genai_prices.__version__} -> 9.9.9",
        "  anthropic/claude-opus-5-5: standard output $20 -> $25 per million (+25.0 %), 2027-01-15",
        "  groq/openai/gpt-oss-20b: no longer in the table",
    ]


def test_comparing_with_another_table_leaves_the_installed_one_in_force(newer: Path) -> None:
    before = installed_table(SHIPPED)
    other_table(newer, SHIPPED)
    assert installed_table(SHIPPED) == before


@pytest.mark.parametrize("content", [None, "empty", "broken"])
def test_a_path_without_a_price_table_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "package"
    if content is not None:
        (path / "genai_prices").mkdir(parents=True)
    if content == "broken":
        (path / "genai_prices" / "__init__.py").write_text("raise ValueError('not today')")
    with pytest.raises(CommandError, match="package"):
        said("diff", "--against", str(path))


def test_a_past_that_is_told_otherwise_is_a_change_that_ended(approved: Path) -> None:
    said("approve")
    installed, told = installed_table(SHIPPED), json.loads(approved.read_text())
    told["models"]["mistral/mistral-large-4"]["standard"][0]["rates"][0]["input"] = "0.5"
    changes = model_changes("mistral/mistral-large-4", parse(json.dumps(told)), installed)
    assert "    standard input $0.5 -> $0.68 per million (+36.0 %), always until 2026-10-20" in [
        line.replace("  mistral/mistral-large-4: ", "    ") for line in changes
    ]


def test_a_models_first_price_is_no_change_of_a_rate() -> None:
    installed = installed_table(SHIPPED)
    none = Table("0", {})
    assert "openai/gpt-6-luna: new in the table" in "\n".join(changed_lines(none, installed))


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(sorted(MODELS)),
    service=st.sampled_from(["", "batch", "flex", "priority", "fast"]),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_timetable_says_what_holds_at_every_moment(name: str, service: str, at: datetime) -> None:
    schedule = BOOK.schedule(MODELS[name], service)
    timetable = read(json.loads(json.dumps(written(timetable_of(schedule)))))
    assert tariff_in(timetable, at.date(), at.time()) == schedule.tariff_at(at)


def test_rates_of_every_kind_survive_being_written_down() -> None:
    timetable = timetable_of(OverriddenSchedule(None, odd_prices()))
    assert read(json.loads(json.dumps(written(timetable)))) == timetable
    assert tariff_in(timetable, None, time()) == timetable[0].tariff
    table = Table("1", {"our-lab/odd": {"": timetable}})
    assert parse(dump(table)) == table


def test_a_models_prices_are_shown_with_their_days_and_hours() -> None:
    shown = said("show", "gemini-4-argon")
    assert "standard  always: input 2, cached_input 0.1, output 10, web_search 14" in shown
    assert "standard  2026-12-01: input 4, cached_input 0.2, output 20, web_search 14" in shown
    assert "standard  2026-08-17 from 06:00: input 1.32, cached_input 0.044, output 3.96" in said(
        "show", "deepseek-v4-pro"
    )
    assert "standard  input 4," in said("show", "gemini-4-argon", "--at", "2026-12-01")
    assert "standard  input 2," in said("show", "gemini-4-argon", "--at", "2026-11-30T23:59:59")
    with pytest.raises(CommandError, match="no-such-model is not a registered model"):
        said("show", "no-such-model")


def a_bill(at: datetime, *lines: tuple[str, int, int]) -> dict[str, Any]:
    return {"bill": {"at_ms": int(at.timestamp() * 1000), "lines": lines}}


def record(event: UsageEvent) -> str:
    with transaction.atomic():
        ledger.record([event])
    return event.request_id


@pytest.fixture
def org(db: None) -> Organization:
    return Organization.objects.create(name="Sunrise")


def mistral_event(org: Organization, rate: int, cost: int) -> UsageEvent:
    then = datetime(2026, 10, 25, tzinfo=UTC)
    return finished(
        org.pk, at=then, model="mistral-large-4", provider="mistral", baseline_model="mistral-large-4",
        cost_nano=cost, original_cost_nano=cost, own_spend_nano=0, receipt=a_bill(then, ("input", 1_000_000, rate)),
    )  # fmt: skip


def test_a_bill_is_recomputed_at_the_prices_of_its_time(org: Organization) -> None:
    shown = said("reprice", record(mistral_event(org, 1_360_000_000, 1_360_000_000)))
    assert "recomputed by" in shown
    assert "for 2026-10-25T00:00:00+00:00" in shown
    equal = "stored $1.360000000, recomputed $1.360000000: equal"
    assert f"cost at mistral-large-4 standard: {equal}" in shown
    assert f"original cost at mistral-large-4 standard: {equal}" in shown
    assert "1,000,000 input            at $1.36" in shown


def test_a_bill_that_is_not_what_the_book_says_is_an_error(org: Organization, capsys: Any) -> None:
    request_id = record(mistral_event(org, 700_000_000, 700_000_000))
    with pytest.raises(CommandError, match="differ"):
        call_command("prices", "reprice", request_id)
    shown = capsys.readouterr().out
    assert "stored $0.700000000, recomputed $1.360000000: DIFFERENT" in shown
    assert "at $0.7, recomputed at $1.36" in shown


def test_a_bill_without_lines_says_so(org: Organization) -> None:
    call = started(org.pk)
    with transaction.atomic():
        ledger.charge([ledger.estimate_row(call, receipt={})])
    assert "nothing says what its amounts are the sum of" in said("reprice", call.request_id)
    with pytest.raises(CommandError, match="is not in the ledger"):
        said("reprice", started(org.pk).request_id)
    with pytest.raises(CommandError, match="is not in the ledger"):
        said("reprice", "nonsense")


def test_a_bill_of_a_model_that_is_gone_says_so(org: Organization) -> None:
    event = mistral_event(org, 1_360_000_000, 1_360_000_000)
    gone = record(finished(org.pk, model="gone-1", baseline_model="gone-2", receipt=event.receipt))
    assert "gone-1 is no longer registered" in said("reprice", gone)


def test_a_table_that_is_not_there_is_an_error_of_its_own() -> None:
    with pytest.raises(TableError, match="is not there"):
        other_table(Path("/nowhere/at/all"), SHIPPED)
