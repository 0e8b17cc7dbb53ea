"""Open dashboards hear of what was recorded for their organization, and of nothing else."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from analytics.ledger import record
from analytics.live import LATEST, LiveFeed, group_for
from tests.analytics.happenings import cache_hit, finished

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed() -> LiveFeed:
    return LiveFeed()


def heard(feed: LiveFeed, *org_ids: object) -> list[list[dict]]:
    """What dashboards of these organizations receive when the feed is flushed once."""

    async def listen() -> list[list[dict]]:
        layer = get_channel_layer()
        channels = [await layer.new_channel() for _ in org_ids]
        for channel, org_id in zip(channels, org_ids, strict=True):
            await layer.group_add(group_for(org_id), channel)
        await asyncio.to_thread(feed.flush)
        messages = [await _until_silent(layer, channel) for channel in channels]
        for channel, org_id in zip(channels, org_ids, strict=True):
            await layer.group_discard(group_for(org_id), channel)
        return messages

    return async_to_sync(listen)()


async def _until_silent(layer, channel: str) -> list[dict]:
    messages = []
    while True:
        try:
            messages.append(await asyncio.wait_for(layer.receive(channel), timeout=0.3))
        except TimeoutError:
            return messages


def test_an_organization_hears_one_message_for_all_that_was_recorded_since_the_last(org, feed):
    feed.collect(record([finished(org.pk), cache_hit(org.pk)]))
    feed.collect(record([finished(org.pk)]))
    ((message,),) = heard(feed, org.pk)
    latest = message.pop("latest")
    assert message == {
        "type": "live.update",
        "requests": 3,
        "cache_hits": 1,
        "cost_nano": 440_000,
        "original_cost_nano": 1_440_000,
        "savings_nano": 980_000,
    }
    assert len(latest) == 3
    assert heard(feed, org.pk) == [[]]


def test_the_newest_requests_come_first_and_only_a_few(org, feed):
    written = record([finished(org.pk) for _ in range(LATEST + 2)])
    feed.collect(written)
    ((message,),) = heard(feed, org.pk)
    newest = [f"req_{entry.request_id.hex}" for entry in reversed(written)][:LATEST]
    assert [inference["request_id"] for inference in message["latest"]] == newest


def test_another_organization_hears_nothing_of_it(org, other_org, feed):
    feed.collect(record([finished(org.pk)]))
    mine, theirs = heard(feed, org.pk, other_org.pk)
    assert len(mine) == 1
    assert theirs == []


def test_what_was_recorded_before_is_not_announced_again(org, feed):
    event = finished(org.pk)
    record([event])
    feed.collect(record([event]))
    assert heard(feed, org.pk) == [[]]
