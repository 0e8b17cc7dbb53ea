"""Retry-After is true: whoever waits that long is served, and whoever comes clearly earlier is not."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.admission import ADMIT

_CLOCK = "redis.call('TIME')"
_MINUTE = 60_000


class Limiter:
    """`admit.lua` with its clock in the test's hand, in milliseconds."""

    def __init__(self, client: redis.Redis) -> None:
        source = ADMIT.source.decode()
        assert source.count(_CLOCK) == 1
        by_hand = "{math.floor(tonumber(ARGV[15]) / 1000), tonumber(ARGV[15]) % 1000 * 1000}"
        self._script = client.register_script(source.replace(_CLOCK, by_hand))
        self._client = client
        base = f"asahi:gov:{{{uuid4()}}}:"
        self._keys = [base + part for part in ("t1", "rate", "spend", "reserved", "leases", "active", "flight")]

    def ask(self, at_ms: int, *, tokens: int = 0, requests_limit: int = -1, tokens_limit: int = -1) -> list[Any]:
        limits = (requests_limit, tokens_limit, -1, -1, -1)
        arguments = (f"req_{uuid4().hex}", "d", "m", -1, tokens, *limits, 60_000, 0, 1, 0, at_ms)
        answer: list[Any] = self._script(keys=self._keys, args=arguments)
        return answer

    def remember(self, minute: int, count: int, before: int) -> None:
        fields = {"requests": count, "requests_before": before, "tokens": count, "tokens_before": before}
        self._client.hset(self._keys[1], mapping={"minute": minute, **fields})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(0, 400),
    before=st.integers(0, 400),
    limit=st.integers(1, 200),
    wanted=st.integers(1, 200),
    into_ms=st.integers(0, _MINUTE - 1),
)
@pytest.mark.parametrize("kind", ["requests", "tokens"])
def test_after_the_time_it_was_told_a_request_is_served_and_not_much_before(
    valkey: redis.Redis, kind: str, count: int, before: int, limit: int, wanted: int, into_ms: int
) -> None:
    limiter, minute = Limiter(valkey), 29_000_000
    limits: dict[str, int] = {f"{kind}_limit": limit}
    if kind == "tokens":
        limits["tokens"] = wanted
    limiter.remember(minute, count, before)
    now = minute * _MINUTE + into_ms
    answer = limiter.ask(now, **limits)
    if answer[0] == b"ok":
        return
    wait = answer[2]
    if kind == "tokens" and wanted > limit:
        assert wait == -1
        return
    assert 0 < wait <= 2 * _MINUTE
    if wait > 1000:
        assert limiter.ask(now + wait - 1000, **limits)[0] == b"refused"
    assert limiter.ask(now + wait + 1, **limits)[0] == b"ok"


def test_the_second_of_one_request_a_minute_is_told_the_truth(valkey: redis.Redis) -> None:
    limiter, now = Limiter(valkey), 29_000_000 * _MINUTE + 56_000
    assert limiter.ask(now, requests_limit=1)[0] == b"ok"
    wait = limiter.ask(now, requests_limit=1)[2]
    assert wait == 64_000, "the first one has faded when the next minute is over"
    assert limiter.ask(now + wait, requests_limit=1)[0] == b"ok"
