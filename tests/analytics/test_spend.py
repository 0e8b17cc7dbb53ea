"""What was spent reaches admission as absolute figures, and what is recorded is no longer held."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.utils import timezone
from psycopg_pool import AsyncConnectionPool

from analytics.spend import LedgerSpend, SpendTeller
from governance.admission import SETTLE, Spent, day_field, month_field, settle_command
from tests.analytics.happenings import finished
from tests.analytics.test_spool import conninfo

HOLD = "asahi:gov:{{{}}}:{}"


@pytest.fixture
def told(client, org):
    """What Redis knows of the organization's money."""

    def read() -> dict[str, int]:
        spend = client.hgetall(HOLD.format(org.pk, "spend"))
        return {name.decode(): int(value) for name, value in spend.items()}

    yield read
    client.delete(*(HOLD.format(org.pk, part) for part in ("spend", "reserved", "leases", "active", "rate")))


def hold(client: redis.Redis, org_id: object, request_id: str, cost_nano: int) -> None:
    """A settled request that waits for the ledger, as the gateway leaves it behind."""
    client.script_load(SETTLE.source)
    packed = settle_command(str(org_id), request_id, cost_nano=cost_nano, tokens_delta=0)
    client.execute_command(*_words(packed))


def _words(packed: bytes) -> list[bytes]:
    """The words of a packed command, whose lengths stand before them."""
    parts = packed.split(b"\r\n")
    return parts[2::2]


@pytest.mark.django_db
def test_a_recorded_request_is_spent_and_no_longer_held(org, send, drain, client, told):
    now = timezone.now()
    event = finished(org.pk, at=now, cost_nano=700)
    hold(client, org.pk, event.request_id, 700)
    assert told()["reserved"] == 700
    send(event, finished(org.pk, at=now, cost_nano=300))
    drain()
    assert told() == {"reserved": 0, "ready": 1, day_field(now): 1000, month_field(now): 1000}
    assert client.hlen(HOLD.format(org.pk, "reserved")) == 0


@pytest.mark.django_db
def test_an_event_that_comes_again_lets_go_of_what_is_still_held(org, send, drain, client, told):
    """As after a crash between the commit and the telling."""
    event = finished(org.pk, at=timezone.now(), cost_nano=700)
    send(event)
    drain()
    hold(client, org.pk, event.request_id, 700)
    send(event)
    drain()
    assert told()["reserved"] == 0
    assert told()[day_field(timezone.now())] == 700


@pytest.mark.django_db
def test_what_could_not_be_told_is_told_later(org, send, recorder, client, told, monkeypatch):
    event = finished(org.pk, at=timezone.now(), cost_nano=700)
    hold(client, org.pk, event.request_id, 700)
    send(event)

    def away(*_: object) -> None:
        raise redis.ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(recorder._teller, "_send", away)
        recorder.record_stream(block_ms=None)
    assert told()["reserved"] == 700
    recorder._teller.tell()
    assert (told()["reserved"], told()[day_field(timezone.now())]) == (0, 700)


@pytest.mark.django_db
def test_a_redis_that_lost_everything_is_told_all_that_was_spent_this_month(org, send, drain, client, told):
    send(finished(org.pk, at=timezone.now(), cost_nano=700))
    drain()
    client.delete(HOLD.format(org.pk, "spend"))
    fresh = SpendTeller(client)
    fresh.note_spenders()
    fresh.tell()
    assert told()[month_field(timezone.now())] == 700


def test_the_gateway_reads_what_was_spent_by_day_and_month(committed_org, send, drain):
    noon = datetime(2026, 3, 14, 12, tzinfo=UTC)
    amounts = {noon: 1, noon - timedelta(days=1): 10, noon - timedelta(days=13): 100, noon - timedelta(days=14): 1000}
    send(*(finished(committed_org.pk, at=at, tags=("a",), cost_nano=cost) for at, cost in amounts.items()))
    drain()

    async def ask(org_id: str) -> Spent:
        async with AsyncConnectionPool(conninfo(), min_size=1, max_size=1, open=False) as pool:
            return await LedgerSpend(pool).spent(org_id, noon)

    assert asyncio.run(ask(str(committed_org.pk))) == Spent(day_nano=1, month_nano=111)
    assert asyncio.run(ask("5f0e2a10-0000-4000-8000-000000000009")) == Spent(day_nano=0, month_nano=0)
