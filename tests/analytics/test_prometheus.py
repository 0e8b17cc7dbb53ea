"""What a scrape says is what was counted, over all processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.http import HttpResponse
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from analytics import prometheus
from analytics.backlog import Backlog
from analytics.models import SpooledEvent
from analytics.stream import connect
from tests.analytics.happenings import cache_hit, finished

ORG = "5f0e2a10-0000-4000-8000-000000000001"


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(text: bytes, name: str, **labels: str) -> float:
    return samples(text).get((name, tuple(sorted(labels.items()))), 0.0)


async def test_answers_are_counted_by_tier_with_their_cost_and_savings():
    before = prometheus.exposition()
    prometheus.count_answer(finished(ORG, latency_ms=900), overhead_seconds=0.0004)
    prometheus.count_answer(cache_hit(ORG, latency_ms=2), overhead_seconds=0.002)
    prometheus.flush()
    after = prometheus.exposition()

    def added(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert added("asahi_requests_total", wire="chat", tier="miss", outcome="ok") == 1
    assert added("asahi_cache_hits_total", tier="t1") == 1
    assert added("asahi_cost_usd_total", provider="openai") == pytest.approx(0.00022)
    assert added("asahi_original_cost_usd_total") == pytest.approx(0.00096)
    assert added("asahi_savings_usd") == pytest.approx(0.00073)
    assert added("asahi_request_seconds_bucket", tier="miss", le="0.5") == 0
    assert added("asahi_request_seconds_bucket", tier="miss", le="1.0") == 1
    assert added("asahi_request_seconds_sum", tier="miss") == pytest.approx(0.9)
    assert added("asahi_overhead_seconds_bucket", tier="miss", le="0.00025") == 0
    assert added("asahi_overhead_seconds_bucket", tier="miss", le="0.0005") == 1
    assert added("asahi_overhead_seconds_count", tier="t1") == 1


async def test_what_the_caches_decide_is_counted_by_tier_and_guard():
    before = prometheus.exposition()
    for outcome, guard in (("hit", ""), ("miss", "numbers"), ("miss", "numbers"), ("left_out", "")):
        prometheus.count_lookup("t2", outcome, guard)
    prometheus.flush()
    after = prometheus.exposition()

    def added(outcome: str, guard: str = "", tier: str = "t2") -> float:
        labels = {"tier": tier, "outcome": outcome, "guard": guard}
        name = "asahi_cache_lookups_total"
        return value(after, name, **labels) - value(before, name, **labels)

    assert (added("hit"), added("miss", "numbers"), added("miss"), added("left_out")) == (1, 2, 0, 1)
    assert added("hit", tier="t3") == 0


async def test_calls_to_a_provider_are_counted_beside_their_failures():
    before = prometheus.exposition()
    for _ in range(3):
        prometheus.count_provider_call("openai")
    prometheus.count_provider_error("openai", "timed_out")
    prometheus.count_spent_retries("openai")
    prometheus.count_left_alone("gpt-6-luna")
    prometheus.flush()
    after = prometheus.exposition()
    for name, labels, count in (
        ("asahi_provider_calls_total", {"provider": "openai"}, 3),
        ("asahi_provider_errors_total", {"provider": "openai", "kind": "timed_out"}, 1),
        ("asahi_provider_retries_spent_total", {"provider": "openai"}, 1),
        ("asahi_models_left_alone_total", {"model": "gpt-6-luna"}, 1),
    ):
        assert value(after, name, **labels) - value(before, name, **labels) == count


async def test_a_value_on_a_bound_lies_in_its_bucket():
    before = prometheus.exposition()
    prometheus.count_answer(finished(ORG, latency_ms=250, tier=2))
    prometheus.flush()
    after = prometheus.exposition()
    for bound, expected in (("0.1", 0), ("0.25", 1)):
        labels = {"tier": "t2", "le": bound}
        name = "asahi_request_seconds_bucket"
        assert value(after, name, **labels) - value(before, name, **labels) == expected


async def test_figures_are_written_by_themselves_soon_after():
    before = value(prometheus.exposition(), "asahi_cache_hits_total", tier="t3")
    prometheus.count_answer(cache_hit(ORG, tier=3))
    await asyncio.sleep(prometheus.FLUSH_SECONDS + 0.1)
    assert value(prometheus.exposition(), "asahi_cache_hits_total", tier="t3") == before + 1


def test_no_figure_names_an_organization():
    for _, labels in samples(prometheus.exposition()):
        assert not {"org", "org_id", "organization", "tenant"} & {name for name, _ in labels}


COUNT_AND_LEAVE = """
import asyncio
from pydantic import SecretStr

from analytics import prometheus
from tests.analytics.happenings import cache_hit, finished
async def count():
    for event in ({event}):
        prometheus.count_answer(event, 0.001)
    prometheus.count_provider_error("openai", "timeout")
    prometheus.flush()
asyncio.run(count())
"""
SCRAPE = "import sys; from analytics import prometheus; sys.stdout.buffer.write(prometheus.exposition())"


def test_a_scrape_adds_up_all_processes_also_those_that_ended(tmp_path: Path):
    prometheus.prepare_directory(tmp_path)
    run(tmp_path, COUNT_AND_LEAVE.format(event=f"finished('{ORG}'),"))
    run(tmp_path, COUNT_AND_LEAVE.format(event=f"finished('{ORG}'), cache_hit('{ORG}')"))
    text = run(tmp_path, SCRAPE)
    assert value(text, "asahi_requests_total", wire="chat", tier="miss", outcome="ok") == 2
    assert value(text, "asahi_cache_hits_total", tier="t1") == 1
    assert value(text, "asahi_overhead_seconds_count", tier="miss") == 2
    assert value(text, "asahi_savings_usd") == pytest.approx(2 * 0.00025 + 0.00048)
    assert value(text, "asahi_provider_errors_total", provider="openai", kind="timeout") == 2


def test_a_new_start_begins_at_zero(tmp_path: Path):
    run(tmp_path, COUNT_AND_LEAVE.format(event=f"finished('{ORG}'),"))
    assert list(tmp_path.iterdir())
    prometheus.prepare_directory(tmp_path)
    assert list(tmp_path.iterdir()) == []


def run(directory: Path, program: str) -> bytes:
    """Run a program as another process that shares the directory."""
    environment = {**os.environ, prometheus.DIRECTORY_VARIABLE: str(directory)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True, timeout=60)
    return done.stdout


@pytest.mark.django_db
def test_the_backlog_is_measured_when_somebody_scrapes(org, client, stream_name, send):
    send(finished(org.pk), finished(org.pk))
    client.xadd(f"{stream_name}:dead", {"e": "rubbish"})
    SpooledEvent.objects.create(event=b"one")
    try:
        text = prometheus.exposition(Backlog(client, stream_name))
    finally:
        client.delete(f"{stream_name}:dead")
    assert value(text, "asahi_event_queue_length") == 2
    assert 0 <= value(text, "asahi_event_queue_age_seconds") < 30
    assert value(text, "asahi_dead_events") == 1
    assert value(text, "asahi_spooled_events") == 1
    assert value(text, "asahi_redis_up") == value(text, "asahi_database_up") == 1


@pytest.mark.django_db
def test_a_scrape_survives_redis_being_away(stream_name):
    text = prometheus.exposition(Backlog(connect("redis://127.0.0.1:1/0"), stream_name))
    assert value(text, "asahi_redis_up") == 0
    assert ("asahi_event_queue_length", ()) not in samples(text)
    assert ("asahi_spooled_events", ()) in samples(text)


@pytest.mark.django_db
def test_only_the_operators_token_opens_the_scrape(settings, client_without_key):
    settings.ASAHI = settings.ASAHI.model_copy(update={"admin_secret": SecretStr("let me see")})

    def scrape(**headers: str) -> HttpResponse:
        return client_without_key.get("/analytics/prometheus", headers=headers)

    answer = scrape(authorization="Bearer let me see")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, prometheus.CONTENT_TYPE)
    assert ("asahi_redis_up", ()) in samples(answer.content)
    assert scrape(authorization="Bearer let me in").status_code == 401
    assert scrape().status_code == 401


@pytest.mark.django_db
def test_without_an_operators_secret_nobody_scrapes(settings, client_without_key, caller):
    settings.ASAHI = settings.ASAHI.model_copy(update={"admin_secret": SecretStr("")})
    for token in ("", caller.secret):
        answer = client_without_key.get("/analytics/prometheus", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401
