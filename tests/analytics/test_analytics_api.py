"""The figures over the API: what the ledger backs, of one's own organization, by the period and filters asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from caching.domain import Filing
from governance.domain import Scope
from tests.analytics.happenings import cache_hit, finished
from tests.caching.keeping import keep_exact

pytestmark = pytest.mark.django_db

KEY = "0b1a7a52-6a3c-4a3f-9c37-3d1f6f0b9a01"
PATHS = ("/metrics", "/analytics/cost-summary", "/analytics/recent-inferences", "/analytics/trends",
         "/analytics/cost-breakdown")  # fmt: skip


def hours_ago(hours: float) -> datetime:
    return timezone.now() - timedelta(hours=hours)


@pytest.fixture
def history(org, other_org, record):
    """A little traffic: three answers of providers, three of caches, one failure; and a stranger's."""
    record(
        finished(org.pk, at=hours_ago(1), tags=("search",), key_id=KEY, end_user="ann"),
        finished(org.pk, at=hours_ago(2), tags=("search", "beta"), model="claude-haiku-5-5", provider="anthropic",
                 cost_nano=50_000, task="code", end_user="bob"),
        finished(org.pk, at=hours_ago(24 * 20), quality=0.7),
        cache_hit(org.pk, at=hours_ago(1), end_user="ann"),
        cache_hit(org.pk, at=hours_ago(3), routing_mode="explicit"),
        cache_hit(org.pk, tier=2, at=hours_ago(3), quality=None),
        finished(org.pk, at=hours_ago(1), outcome="provider_error", status=503, cost_nano=0, original_cost_nano=0,
                 own_spend_nano=0, quality=None),
        finished(other_org.pk, at=hours_ago(1), cost_nano=10**12, tags=("search",), end_user="ann", key_id=KEY),
    )  # fmt: skip


def test_metrics_have_exactly_the_published_fields(caller, history):
    metrics = caller.get("/metrics").json()
    assert set(metrics) == {
        "requests", "total_cost", "total_cost_savings", "average_cost_savings_percent", "cache_hit_rate",
        "tier1_hit_rate", "tier2_hit_rate", "tier3_hit_rate", "tier1_hits", "tier2_hits", "tier3_hits", "cache_size",
        "cache_cost_saved", "avg_quality", "routing_mode_distribution", "recent_inferences", "uptime_seconds",
    }  # fmt: skip


def test_metrics_are_the_organizations_totals_since_it_began(caller, history):
    metrics = caller.get("/metrics").json()
    assert metrics["requests"] == 7
    assert metrics["total_cost"] == pytest.approx((220_000 * 2 + 50_000) / 1e9)
    assert metrics["total_cost_savings"] == pytest.approx((6 * 480_000 - 490_000 - 30_000) / 1e9)
    assert (metrics["tier1_hits"], metrics["tier2_hits"], metrics["tier3_hits"]) == (2, 1, 0)
    assert metrics["cache_hit_rate"] == pytest.approx(3 / 7, abs=1e-6)
    assert metrics["tier1_hit_rate"] == pytest.approx(2 / 7, abs=1e-6)
    assert metrics["cache_cost_saved"] == pytest.approx(3 * 480_000 / 1e9)
    assert metrics["avg_quality"] == pytest.approx((0.9 * 4 + 0.7) / 5)
    assert metrics["routing_mode_distribution"] == {"autopilot": 6, "explicit": 1}
    assert len(metrics["recent_inferences"]) == 7
    assert metrics["uptime_seconds"] > 0


def test_metrics_of_an_organization_without_requests_are_zero_and_not_made_up(caller):
    metrics = caller.get("/metrics").json()
    assert (metrics["requests"], metrics["total_cost"], metrics["cache_hit_rate"]) == (0, 0, 0)
    assert metrics["avg_quality"] is None
    assert metrics["routing_mode_distribution"] == {}
    assert metrics["recent_inferences"] == []


def test_cache_size_counts_this_organizations_entries_in_redis(caller, stranger, client):
    for _ in range(3):
        keep_exact(client, caller.org.pk, Filing("key-1"))
    assert caller.get("/metrics").json()["cache_size"] == 3
    assert stranger.get("/metrics").json()["cache_size"] == 0


def test_the_cost_summary_of_a_day_leaves_older_requests_out(caller, history):
    summary = caller.get("/analytics/cost-summary", period="24h").json()
    assert summary["total_requests"] == 6
    assert summary["total_cost"] == pytest.approx(270_000 / 1e9)
    assert summary["total_cost_exact"] == "0.000270000"
    by_model = {part["name"]: (part["requests"], part["cost"]) for part in summary["by_model"]}
    assert by_model == {"gpt-6.1-terra": (5, 0.00022), "claude-haiku-5-5": (1, 0.00005)}
    assert {part["name"]: part["requests"] for part in summary["by_task"]} == {"classification": 5, "code": 1}


@pytest.mark.parametrize(("period", "requests"), [("24h", 6), ("7d", 6), ("30d", 7), ("90d", 7)])
def test_each_period_covers_what_it_says(caller, history, period, requests):
    assert caller.get("/analytics/cost-summary", period=period).json()["total_requests"] == requests


def test_a_custom_period_covers_whole_buckets_and_says_which(caller, record):
    for hour in (8, 9, 10):
        record(finished(caller.org.pk, at=datetime(2026, 3, 14, hour, 30, tzinfo=UTC)))
    summary = caller.get(
        "/analytics/cost-summary", period="custom", start="2026-03-14T09:15:00", end="2026-03-14T11:00:00+01:00"
    ).json()
    assert summary["period"] == {"start": "2026-03-14T09:00:00Z", "end": "2026-03-14T10:00:00Z"}
    assert summary["total_requests"] == 1


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"period": "custom"}, "needs start"),
        ({"period": "custom", "start": "2026-03-02", "end": "2026-03-01"}, "before end"),
        ({"period": "custom", "start": "1999-01-01"}, "at most"),
        ({"period": "7d", "start": "2026-03-02"}, "period=custom"),
        ({"modle": "gpt-6.1-sol"}, "unknown parameter: modle"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(caller, params, complaint):
    answer = caller.get("/analytics/cost-summary", **params)
    assert answer.status_code == 422
    assert complaint in answer.json()["error"]["message"]


@pytest.mark.parametrize("params", [{"period": "1y"}, {"tier": 4}, {"key": "mine"}, {"mode": "magic"}])
def test_a_value_that_does_not_exist_is_refused(caller, params):
    assert caller.get("/analytics/cost-summary", **params).status_code == 422


@pytest.mark.parametrize(
    ("filters", "requests"),
    [
        ({"model": "claude-haiku-5-5"}, 1),
        ({"provider": "openai"}, 5),
        ({"key": KEY}, 1),
        ({"tag": "search"}, 2),
        ({"tag": "beta", "provider": "openai"}, 0),
        ({"tier": 1}, 2),
        ({"tier": 0}, 3),
        ({"task": "code"}, 1),
        ({"mode": "explicit"}, 1),
        ({"user": "ann"}, 2),
        ({"user": "ann", "tier": 1}, 1),
        ({"user": "bob", "tag": "beta"}, 1),
        ({"user": "nobody"}, 0),
    ],
)
def test_filters_narrow_every_figure_alike(caller, history, filters, requests):
    params = {"period": "24h", **filters}
    assert caller.get("/analytics/cost-summary", **params).json()["total_requests"] == requests
    points = caller.get("/analytics/trends", **params).json()["points"]
    assert sum(point["requests"] for point in points) == requests
    assert caller.get("/analytics/cost-breakdown", **params).json()["total"]["requests"] == requests
    today = [row for row in caller.get("/analytics/recent-inferences", **filters).json()
             if row["timestamp"] > hours_ago(23).isoformat()]  # fmt: skip
    assert len(today) == requests


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("model", {"gpt-6.1-terra": 5, "claude-haiku-5-5": 1}),
        ("provider", {"openai": 5, "anthropic": 1}),
        ("key", {KEY: 1, "": 5}),
        ("tag", {"search": 2, "beta": 1}),
        ("tier", {"0": 3, "1": 2, "2": 1}),
        ("task", {"classification": 5, "code": 1}),
        ("mode", {"autopilot": 5, "explicit": 1}),
        ("user", {"ann": 2, "bob": 1, "": 3}),
    ],
)
def test_a_breakdown_divides_by_any_dimension(caller, history, group_by, expected):
    breakdown = caller.get("/analytics/cost-breakdown", period="24h", group_by=group_by).json()
    assert {part["name"]: part["requests"] for part in breakdown["parts"]} == expected
    assert breakdown["total"]["requests"] == 6
    if group_by != "tag":
        assert sum(part["cost"] for part in breakdown["parts"]) == pytest.approx(breakdown["total"]["cost"])


def test_figures_by_user_are_the_same_as_the_rollups_tell(caller, history):
    by_user = caller.get("/analytics/cost-breakdown", period="24h", group_by="user").json()
    for figure in ("requests", "errors", "cache_hits", "cost", "cost_original", "cost_savings", "cache_cost_saved",
                   "tokens_input", "tokens_output", "tokens_cached", "tokens_saved"):  # fmt: skip
        assert sum(part[figure] for part in by_user["parts"]) == pytest.approx(by_user["total"][figure]), figure


def test_trends_have_every_bucket_also_the_empty_ones(caller, history):
    by_hour = caller.get("/analytics/trends", period="24h").json()
    assert (by_hour["interval"], len(by_hour["points"])) == ("hour", 24)
    by_day = caller.get("/analytics/trends", period="30d").json()
    assert (by_day["interval"], len(by_day["points"])) == ("day", 30)
    assert sum(point["requests"] for point in by_day["points"]) == 7
    assert by_day["points"][-1]["start"] == timezone.now().strftime("%Y-%m-%dT00:00:00Z")


def test_recent_inferences_are_newest_first_with_the_published_fields(caller, history):
    rows = caller.get("/analytics/recent-inferences", limit=3).json()
    assert len(rows) == 3
    assert [row["timestamp"] for row in rows] == sorted((row["timestamp"] for row in rows), reverse=True)
    assert {"request_id", "model_used", "cost", "cost_original", "cache_hit", "cache_tier", "routing_reason",
            "latency_ms", "timestamp"} <= set(rows[0])  # fmt: skip


def test_nothing_of_another_organization_shows_anywhere(stranger, other_org, history):
    assert stranger.get("/metrics").json()["requests"] == 1
    for path in PATHS[1:]:
        for params in ({}, {"key": KEY}, {"tag": "search"}, {"user": "ann"}):
            text = stranger.get(path, **params).content.decode()
            assert "haiku" not in text
            assert "0.00022" not in text


@pytest.mark.parametrize("path", PATHS)
def test_figures_need_a_key_that_may_see_analytics(org, make_caller, client_without_key, path):
    assert make_caller(org, Scope.ANALYTICS).get(path).status_code == 200
    assert make_caller(org, Scope.INFER).get(path).status_code == 403
    assert client_without_key.get(path).status_code == 401


def test_a_request_of_a_session_has_no_key_and_no_invented_one(caller, record):
    record(finished(caller.org.pk, at=hours_ago(1)))
    (part,) = caller.get("/analytics/cost-breakdown", group_by="key").json()["parts"]
    assert part["name"] == ""
    assert caller.get("/analytics/cost-summary", key=str(uuid4())).json()["total_requests"] == 0
