"""The dashboard shows what the ledger says about one organization, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analytics.dashboard import figures_for
from analytics.periods import period_named
from tests.web.cast import record_request, request_id_at
from tests.web.markup import read

pytestmark = pytest.mark.django_db


def test_an_organization_without_requests_is_shown_the_way_to_its_first(browser_of, hana):
    page = read(browser_of(hana.user).get("/dashboard").content)
    assert page.text_of("requests") == "0"
    assert page.text_of("saved") == page.text_of("cost") == "$0.00"
    assert page.text_of("hit-rate") == "–"
    assert page.links().count("/getting-started") == 2


def test_the_totals_are_those_of_the_ledger(browser_of, hana):
    record_request(hana.org, cost_nano=250_000_000, original_cost_nano=1_250_000_000, quality=0.9)
    record_request(hana.org, cost_nano=0, original_cost_nano=750_000_000, tier=1, quality=0.8)
    record_request(
        hana.org, cost_nano=50_000_000, original_cost_nano=50_000_000, own_spend_nano=10_000_000, quality=None
    )
    page = read(browser_of(hana.user).get("/dashboard").content)
    shown = {name: page.text_of(name) for name in ("saved", "requests", "cost", "hit-rate", "quality")}
    assert shown == {
        "saved": "$1.74", "requests": "3", "cost": "$0.300", "hit-rate": "33.3 %", "quality": "85.0 %"
    }  # fmt: skip


def test_a_request_of_another_organization_is_nowhere_on_the_page(browser_of, hana, otto):
    record_request(otto.org, model="otto-model", routing_reason="because Otto", cost_nano=9_990_000_000)
    for path in ("/dashboard", "/dashboard/figures?range=30d"):
        content = browser_of(hana.user).get(path).content
        assert b"otto" not in content.lower()
        assert read(content).text_of("requests") == "0"


def test_a_recent_request_is_told_with_its_model_tier_costs_latency_and_reason(browser_of, hana):
    event = record_request(
        hana.org, tier=1, cost_nano=0, original_cost_nano=2_340_000, latency_ms=12_345, routing_reason="seen before"
    )
    content = browser_of(hana.user).get("/dashboard").content.decode()
    row = content[content.index(f'id="r-{event.request_id}"') :]
    assert all(part in row for part in ("gpt-6-luna", "T1 exact", "$0.00", "$0.00234", "12.3 s", "seen before"))


def test_what_a_provider_calls_its_model_is_text_and_never_markup(browser_of, hana):
    record_request(hana.org, model="<script>alert(1)</script>", routing_reason='"><img src=x>')
    content = browser_of(hana.user).get("/dashboard").content
    assert b"<script>alert" not in content
    assert b"<img" not in content


@pytest.mark.parametrize(("range_", "requests"), [("24h", "1"), ("7d", "2"), ("30d", "3"), ("", "1"), ("all", "1")])
def test_a_range_counts_what_lies_in_it(browser_of, hana, range_, requests):
    now = datetime.now(UTC)
    for age in (timedelta(minutes=1), timedelta(days=3), timedelta(days=20), timedelta(days=40)):
        record_request(hana.org, request_id=request_id_at(now - age))
    page = read(browser_of(hana.user).get(f"/dashboard?range={range_}").content)
    assert page.text_of("requests") == requests


def test_the_chart_the_tiers_and_the_totals_cover_the_same_requests(hana):
    now = datetime.now(UTC)
    for hours in range(30):
        record_request(hana.org, request_id=request_id_at(now - timedelta(hours=hours)))
    figures = figures_for(org_id=hana.org.pk, period=period_named("24h"), now=now)
    assert len(figures.chart.columns) == 24
    assert sum(column.bucket.sums.requests for column in figures.chart.columns) == figures.totals.requests == 24
    assert sum(tier.sums.requests for tier in figures.tiers) == 24


def test_the_page_includes_exactly_what_its_fragment_returns(browser_of, hana):
    record_request(hana.org)
    client = browser_of(hana.user)
    page = client.get("/dashboard?range=7d").content.decode()
    fragment = client.get("/dashboard/figures?range=7d").content.decode().strip()
    assert fragment.startswith('<div id="dashboard"')
    assert fragment in page


def test_the_figures_of_one_organization_are_kept_by_no_cache(browser_of, hana):
    assert "no-store" in browser_of(hana.user).get("/dashboard")["Cache-Control"]


def test_the_page_costs_the_same_number_of_queries_however_many_requests_there_are(
    browser_of, hana, django_assert_max_num_queries
):
    client = browser_of(hana.user)
    for _ in range(25):
        record_request(hana.org)
    client.get("/dashboard")
    with django_assert_max_num_queries(9):
        client.get("/dashboard")


@pytest.mark.parametrize("path", ["/dashboard", "/getting-started"])
def test_a_page_says_so_when_a_simulator_answers_in_the_providers_place(browser_of, hana, settings, path):
    client = browser_of(hana.user)
    settings.SIMULATOR_URL = ""
    assert b"Simulated providers" not in client.get(path).content
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    settings.ASAHI = settings.ASAHI.model_copy(
        update={"providers": settings.ASAHI.providers.model_copy(update={"simulate": True})}
    )
    assert b"Simulated providers" in client.get(path).content
