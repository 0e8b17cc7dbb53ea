"""What waits to be recorded or done, measured when somebody scrapes. A part that cannot be asked is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import redis
from django.db import Error, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from analytics.stream import dead_letters, oldest_age_seconds
from governance.outbox import MAX_ATTEMPTS

_WAITING_IN_POSTGRES = """
SELECT (SELECT count(*) FROM analytics_spooledevent),
       (SELECT count(*) FROM analytics_startedcall),
       (SELECT count(*) FROM governance_outboxmessage
        WHERE done_at IS NULL AND attempts < %(most)s AND due_at <= now()),
       (SELECT count(*) FROM governance_outboxmessage WHERE done_at IS NULL AND attempts >= %(most)s)
"""


class Backlog(Collector):
    """Queue ages and lengths for Prometheus."""

    def __init__(self, client: redis.Redis, stream: str) -> None:
        self._client = client
        self._stream = stream

    def collect(self) -> Iterable[Metric]:
        yield from self._in_redis()
        yield from self._in_postgres()

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering this asks nobody anything."""
        return ()

    def _in_redis(self) -> Iterator[Metric]:
        try:
            age = oldest_age_seconds(self._client, self._stream) or 0.0
            length, dead = self._client.xlen(self._stream), self._client.xlen(dead_letters(self._stream))
        except redis.RedisError:
            yield GaugeMetricFamily("asahi_redis_up", "Whether Redis answers.", value=0)
            return
        yield GaugeMetricFamily("asahi_redis_up", "Whether Redis answers.", value=1)
        yield GaugeMetricFamily("asahi_event_queue_age_seconds", "Age of the oldest event not recorded yet.", value=age)
        yield GaugeMetricFamily("asahi_event_queue_length", "Events not recorded yet.", value=length)
        yield GaugeMetricFamily(
            "asahi_dead_events", "Events that cannot be recorded and wait for a person.", value=dead
        )

    def _in_postgres(self) -> Iterator[Metric]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(_WAITING_IN_POSTGRES, {"most": MAX_ATTEMPTS})
                spooled, open_calls, due, given_up = cursor.fetchone()
        except Error:
            yield GaugeMetricFamily("asahi_database_up", "Whether Postgres answers.", value=0)
            return
        yield GaugeMetricFamily("asahi_database_up", "Whether Postgres answers.", value=1)
        yield GaugeMetricFamily("asahi_spooled_events", "Events spooled in Postgres, not recorded yet.", value=spooled)
        yield GaugeMetricFamily("asahi_open_calls", "Provider calls whose usage is not known yet.", value=open_calls)
        yield GaugeMetricFamily("asahi_outbox_due", "Outbox messages that are due.", value=due)
        yield GaugeMetricFamily("asahi_outbox_given_up", "Outbox messages that failed too often.", value=given_up)
