"""Batches whose worker dies, whose provider fails, that are cancelled, or whose time runs out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import anthropic
import openai
import pytest
from django.conf import settings
from django.utils import timezone

from analytics.models import LedgerEntry
from inference.batches import claims, collection, engine, live, planning, submission
from inference.batches.housekeeping import clear_files
from inference.models import Batch, BatchItem, ProviderBatch
from inference.providers.batches import lines_of
from tests.gateway.batching import Desk, line
from tests.gateway.conftest import Tenant, database_url_of_tests


def worked_on(desk: Desk) -> Counter[str]:
    """How often the provider worked on each request in its batches."""
    return Counter(call["metadata"] for call in desk.simulator.calls() if call.get("batch"))


def lines(count: int, model: str = "gpt-6-luna") -> list[dict[str, object]]:
    return [line(f"line-{number}", model=model) for number in range(count)]


@pytest.mark.parametrize("model", ["gpt-6-luna", "claude-haiku-5-5"])
def test_a_worker_that_dies_before_it_noted_what_it_handed_over_hands_nothing_over_twice(
    desk: Desk, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    batch = desk.submit(*lines(4, model))
    desk.die_in(monkeypatch, submission, "note_submitted")
    assert ProviderBatch.objects.get(batch=batch.id).upstream_id == ""
    ended = desk.finish(batch)
    assert (ended.status, len(desk.results(ended.output_file_id))) == ("completed", 4)
    assert sorted(worked_on(desk).values()) == [1, 1, 1, 1]
    assert all(entry.cost_nano > 0 for entry in tenant.ledger(4))
    assert ProviderBatch.objects.filter(batch=batch.id).count() == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_around_noting_an_attempt_hands_over_once(
    desk: Desk, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    batch = desk.submit(*lines(3))
    desk.die_in(monkeypatch, submission, "_note_attempt", after=after)
    assert desk.finish(batch).status == "completed"
    assert sorted(worked_on(desk).values()) == [1, 1, 1]
    tenant.ledger(3)


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_while_it_brings_answers_in_charges_each_once(
    desk: Desk, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    desk.plan(seconds=1)
    batch = desk.submit(*lines(5))
    desk.work()
    time.sleep(1.2)
    desk.die_in(monkeypatch, collection, "settle", after=after)
    ended = desk.finish(batch)
    assert (ended.status, len(desk.results(ended.output_file_id))) == ("completed", 5)
    entries = tenant.ledger(5)
    assert len({entry.request_id for entry in entries}) == 5
    assert ended.usage is not None
    assert ended.usage.output_tokens == sum(entry.output_tokens for entry in entries)


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_while_it_decides_leaves_nothing_reserved_or_handed_over_twice(
    desk: Desk, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    tenant.policy(daily_budget_nano=10**10)
    batch = desk.submit(*lines(3))
    desk.die_in(monkeypatch, planning, "_apply", after=after)
    assert desk.finish(batch).status == "completed"
    assert sorted(worked_on(desk).values()) == [1, 1, 1]
    tenant.ledger(3)


def test_a_worker_that_dies_while_it_calls_one_by_one_calls_again_and_charges_once(
    desk: Desk, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = desk.submit(*lines(6, "command-r7b"))
    desk.die_in(monkeypatch, live, "settle")
    running = set(BatchItem.objects.filter(batch=batch.id, state="running").values_list("request_id", flat=True))
    assert running
    ended = desk.finish(batch)
    assert (ended.status, len(desk.results(ended.output_file_id))) == ("completed", 6)
    entries = tenant.ledger(6)
    assert running <= {entry.request_id for entry in entries}


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_while_it_writes_the_results_writes_them_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    desk.plan(seconds=1)
    batch = desk.submit(*lines(3))
    desk.work()
    time.sleep(1.2)
    desk.die_in(monkeypatch, engine, "finish", after=after)
    ended = desk.finish(batch)
    assert len(desk.results(ended.output_file_id)) == 3
    assert [file.purpose for file in desk.client.files.list()].count("batch_output") == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_while_it_reads_the_file_reads_it_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    batch = desk.submit(*lines(3))
    desk.die_in(monkeypatch, engine, "validate", after=after)
    ended = desk.finish(batch)
    assert ended.request_counts is not None
    assert ended.request_counts.to_dict() == {"total": 3, "completed": 3, "failed": 0}


def test_a_batch_is_one_workers_until_its_claim_runs_out(desk: Desk) -> None:
    batch = desk.submit(line("one"))
    claimed = claims.claim_next()
    assert claimed is not None
    assert claimed.pk == batch.id
    assert claims.claim_next() is None
    Batch.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    again = claims.claim_next()
    assert again is not None
    claims.let_go(claimed, again_in=None)  # the first wakes up, and has no say any more
    assert Batch.objects.get(pk=batch.id).due_at is not None
    claims.let_go(again, again_in=0)


def test_a_batch_cancelled_before_it_began_costs_nothing(desk: Desk, tenant: Tenant) -> None:
    batch = desk.submit(*lines(3))
    cancelled = desk.client.batches.cancel(batch.id)
    assert (cancelled.status, cancelled.cancelling_at is not None) == ("cancelling", True)
    ended = desk.finish(batch)
    assert (ended.status, ended.output_file_id) == ("cancelled", None)
    assert ended.cancelled_at is not None
    assert not worked_on(desk)
    tenant.ledger(0, patience=0.3)


@pytest.mark.parametrize("model", ["gpt-6-luna", "claude-haiku-5-5"])
def test_a_batch_cancelled_half_way_keeps_and_pays_what_was_answered(desk: Desk, tenant: Tenant, model: str) -> None:
    desk.plan(seconds=3, after_lines=2)
    batch = desk.submit(*lines(5, model))
    desk.work()
    time.sleep(2)
    desk.client.batches.cancel(batch.id)
    ended = desk.finish(batch)
    assert ended.status == "cancelled"
    assert set(desk.results(ended.output_file_id)) == {"line-0", "line-1"}
    errors = desk.results(ended.error_file_id)
    assert {each["error"]["code"] for each in errors.values()} == {"batch_cancelled"}
    assert len(errors) == 3
    assert all(entry.cost_nano > 0 for entry in tenant.ledger(2))


def test_a_batch_that_has_ended_cannot_be_cancelled(desk: Desk) -> None:
    batch = desk.finish(desk.submit(line("one")))
    with pytest.raises(openai.ConflictError, match="completed"):
        desk.client.batches.cancel(batch.id)


def test_a_batch_whose_time_runs_out_expires_with_what_was_answered(desk: Desk, tenant: Tenant) -> None:
    desk.plan(seconds=3, after_lines=1)
    batch = desk.submit(*lines(3))
    desk.work()
    time.sleep(2)
    Batch.objects.filter(pk=batch.id).update(expires_at=timezone.now())
    ended = desk.finish(batch)
    assert (ended.status, ended.expired_at is not None) == ("expired", True)
    assert set(desk.results(ended.output_file_id)) == {"line-0"}
    errors = desk.results(ended.error_file_id)
    assert {each["error"]["code"] for each in errors.values()} == {"batch_expired"}
    tenant.ledger(1)


@pytest.mark.parametrize("ending", ["failed", "expired"])
@pytest.mark.parametrize("model", ["gpt-6-luna", "claude-haiku-5-5"])
def test_lines_that_a_provider_did_not_do_are_called_one_by_one_and_charged_once(
    desk: Desk, tenant: Tenant, ending: str, model: str
) -> None:
    desk.plan(seconds=0.2, ending=ending, after_lines=0 if ending == "failed" else 2)
    batch = desk.submit(*lines(5, model))
    ended = desk.finish(batch)
    assert (ended.status, len(desk.results(ended.output_file_id))) == ("completed", 5)
    by_price = Counter(entry.receipt["bill"].get("service", "") for entry in tenant.ledger(5))
    assert by_price["batch"] == len(worked_on(desk))
    assert len(desk.simulator.calls()) >= 5


def test_a_provider_that_cannot_be_reached_is_asked_again_and_then_given_up(
    desk: Desk, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> str:
        raise submission.ProviderBatchError("the provider answered 503", permanent=False)

    monkeypatch.setattr(submission, "MOST_ATTEMPTS", 2)
    with monkeypatch.context() as patch:
        patch.setattr("inference.providers.openai_batches.OpenAIBatches.submit", fail)
        batch = desk.submit(*lines(2))
        desk.work()
        assert Batch.objects.get(pk=batch.id).setbacks == 1
        desk.work()
        desk.work()
    ended = desk.finish(batch)
    assert (ended.status, len(desk.results(ended.output_file_id))) == ("completed", 2)
    assert not worked_on(desk)
    tenant.ledger(2)


def test_a_line_that_a_provider_fails_is_called_by_itself_and_charged_once(desk: Desk, tenant: Tenant) -> None:
    desk.simulator.faults(rules=[{"kind": "error", "status": 500, "times": 2, "paths": ["/chat/completions"]}])
    ended = desk.finish(desk.submit(*lines(4)))
    assert (ended.status, len(desk.results(ended.output_file_id))) == ("completed", 4)
    tenant.ledger(4)


def test_lines_called_one_by_one_wait_for_the_organizations_limits(desk: Desk, tenant: Tenant) -> None:
    tenant.policy(requests_per_minute=2)
    batch = desk.submit(*lines(5, "command-r7b"))
    desk.work()
    states = Counter(BatchItem.objects.filter(batch=batch.id).values_list("state", flat=True))
    assert states == {"completed": 2, "waiting": 3}
    due_at = Batch.objects.get(pk=batch.id).due_at
    assert due_at is not None
    assert due_at > timezone.now() + timedelta(seconds=1)
    tenant.policy(requests_per_minute=None)
    ended = desk.finish(batch)
    assert ended.request_counts is not None
    assert ended.request_counts.to_dict() == {"total": 5, "completed": 5, "failed": 0}


def test_a_line_that_always_fails_is_given_up_with_what_a_live_call_gets(
    desk: Desk, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_TRIES", 2)
    monkeypatch.setattr(live, "_FIRST_PAUSE_SECONDS", 0.01)
    desk.simulator.faults(error_rate=1.0)
    ended = desk.finish(desk.submit(*lines(1, "command-r7b")))
    failed = desk.results(ended.error_file_id)["line-0"]["response"]
    assert (failed["status_code"], failed["body"]["error"]["type"]) == (503, "server_error")
    assert sum(entry.cost_nano for entry in LedgerEntry.objects.for_org(tenant.org_id)) == 0


def test_results_of_a_batch_that_was_not_ours_after_all_are_left_alone(desk: Desk, tenant: Tenant) -> None:
    """Anthropic keeps no name of ours: after a crash a stranger's batch may be taken for the lost one."""
    batch = desk.submit(*lines(2, "claude-haiku-5-5"))
    desk.plan(seconds=60)
    desk.work()
    handed = ProviderBatch.objects.get(batch=batch.id)
    stranger = anthropic.Anthropic(base_url=f"{desk.simulator.url}/anthropic", api_key="simulated")
    desk.plan(seconds=0)
    messages: list[Any] = [{"role": "user", "content": "Hello"}]
    params: Any = {"model": "claude-haiku-5-5", "max_tokens": 8, "messages": messages}
    theirs = stranger.messages.batches.create(requests=[{"custom_id": name, "params": params} for name in ("a", "b")])
    stranger.close()
    ProviderBatch.objects.filter(pk=handed.pk).update(upstream_id=theirs.id)
    ended = desk.finish(batch)
    assert (ended.status, len(desk.results(ended.output_file_id))) == ("completed", 2)
    tenant.ledger(2)


def test_lines_of_batches_long_over_are_cleared_and_what_they_came_to_stays(desk: Desk) -> None:
    old, new = (desk.finish(desk.submit(line("one"))) for _ in range(2))
    Batch.objects.filter(pk=old.id).update(created_at=timezone.now() - timedelta(days=31))
    assert clear_files() >= 1
    assert set(BatchItem.objects.values_list("batch_id", flat=True)) == {new.id}
    assert desk.client.batches.retrieve(old.id).request_counts == old.request_counts


def test_a_killed_worker_leaves_what_another_finishes(desk: Desk, tenant: Tenant) -> None:
    batch = desk.submit(*lines(40, "command-r7b"))
    desk.simulator.faults(latency_ms=300)
    script = "import django; django.setup(); from inference.batches import engine; engine.advance_batches()"
    environment = {
        **os.environ,
        "DATABASE_URL": database_url_of_tests(),
        "REDIS_URL": settings.REDIS_URL,
        "ASAHI_PROVIDERS_SIMULATOR_URL": desk.simulator.url,
        "ASAHI_ENCRYPTION_KEY": settings.ENCRYPTION_KEY,
        "ASAHI_SITE_SECRET_KEY": settings.SECRET_KEY,
    }
    worker = subprocess.Popen([sys.executable, "-c", script], env=environment)
    deadline = time.monotonic() + 30
    while BatchItem.objects.filter(batch=batch.id, state="completed").count() < 5:
        assert time.monotonic() < deadline, "the worker does nothing"
        time.sleep(0.05)
    worker.kill()
    worker.wait()
    assert BatchItem.objects.filter(batch=batch.id, state="running").exists()
    Batch.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    desk.simulator.faults()
    ended = desk.finish(batch)
    assert (ended.status, len(desk.results(ended.output_file_id))) == ("completed", 40)
    entries = tenant.ledger(40)
    assert len({entry.request_id for entry in entries}) == 40


def test_a_batch_that_a_provider_has_lost_is_called_one_by_one(desk: Desk, tenant: Tenant) -> None:
    desk.plan(seconds=60)
    batch = desk.submit(*lines(2))
    desk.work()
    ProviderBatch.objects.filter(batch=batch.id).update(upstream_id="batch_lost")
    ended = desk.finish(batch)
    assert (ended.status, len(desk.results(ended.output_file_id))) == ("completed", 2)
    tenant.ledger(2)


def test_a_provider_that_is_away_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> str:
        raise submission.ProviderBatchError("APIConnectionError")

    with monkeypatch.context() as patch:
        patch.setattr("inference.providers.openai_batches.OpenAIBatches.submit", fail)
        batch = desk.submit(line("gpt"), line("claude", model="claude-haiku-5-5"), line("cohere", model="command-r7b"))
        desk.work()
        time.sleep(0.3)
        desk.work()
    done = BatchItem.objects.filter(batch=batch.id, state="completed")
    assert set(done.values_list("custom_id", flat=True)) == {"claude", "cohere"}
    assert desk.finish(batch).status == "completed"


def test_a_line_that_trips_us_ends_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = planning.crossing_for

    def trip(call: Any, model: Any) -> Any:
        if "line-1" in str(call.body):
            raise ZeroDivisionError
        return real(call, model)

    monkeypatch.setattr(planning, "crossing_for", trip)
    ended = desk.finish(desk.submit(*lines(3)))
    assert set(desk.results(ended.output_file_id)) == {"line-0", "line-2"}
    failed = desk.results(ended.error_file_id)["line-1"]["response"]
    assert (failed["status_code"], failed["body"]["error"]["code"]) == (500, "internal_error")


async def test_results_are_cut_into_lines_wherever_they_are_cut_into_pieces() -> None:
    async def pieces(*texts: bytes) -> AsyncIterator[bytes]:
        for text in texts:
            yield text

    found = [each async for each in lines_of(pieces(b'{"a"', b":1}\n\n{}", b"\n", b" \n{", b"}"))]
    assert found == [b'{"a":1}', b"{}", b"{}"]


async def test_a_line_of_results_that_never_ends_is_given_up() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1024 * 1024

    with pytest.raises(submission.ProviderBatchError, match="longer"):
        _ = [each async for each in lines_of(endless())]


def test_a_line_that_fails_lets_the_others_go_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_FIRST_PAUSE_SECONDS", 0.05)
    desk.simulator.faults(models=["command-r7b"], error_rate=1.0, times=12)  # with retries and fallbacks: four visits
    batch = desk.submit(line("weak", model="command-r7b"), *(line(f"{n}", model="command-a") for n in range(40)))
    desk.work()
    done = BatchItem.objects.filter(batch=batch.id, state="completed")
    assert done.count() >= 40
    ended = desk.finish(batch)
    assert ended.request_counts is not None
    assert ended.request_counts.completed == 41
