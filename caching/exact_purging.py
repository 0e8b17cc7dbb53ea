"""How T1 forgets: it goes through the organization's index and reads nothing of an entry but its label."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from caching.exact import Label, index_of, key_of, label_in, mark
from caching.purging import Holdings, Kind, Selection, TierAway

_AT_A_TIME = 500
_LABEL_BYTES = 1024
"""Enough for nearly every label; a longer one is read again, whole."""
_LONGEST_LABEL = 4 + 0xFFFF
_PATIENCE_SECONDS = 2.0
_COUNTED = 2_000
"""Entries whose size is asked for. Of more, the rest is taken to be as large as these."""
_DIGEST = re.compile(r"[0-9a-f]{40}")

Fits = Callable[[Label], bool]


class ExactTier:
    """Fulfils `caching.purging.Tier`."""

    name = "t1"

    def purge(self, org_id: str, selection: Selection) -> int:
        if selection.kind is Kind.ENTRY:
            return self._forget_entry(org_id, selection)
        fits = fitting(org_id, selection)
        try:
            return sum(self._forget_fitting(org_id, digests, fits) for digests in self._pages(org_id))
        except redis.RedisError as error:
            raise TierAway("Redis") from error

    def holdings(self, org_id: str) -> Holdings:
        client, now = client_of_entries(), time.time()
        try:
            entries = int(client.zcount(index_of(org_id), now, "+inf"))
            some = client.zrangebyscore(index_of(org_id), now, "+inf", start=0, num=_COUNTED)
            with client.pipeline(transaction=False) as pipe:
                for digest in cast("list[bytes]", some):
                    pipe.strlen(key_of(org_id, digest.decode()))
                sizes = cast("list[int]", pipe.execute())
        except redis.RedisError as error:
            raise TierAway("Redis") from error
        return Holdings(entries, sum(sizes) * entries // len(sizes) if sizes else 0)

    def clear_expired(self) -> int:
        """Redis does that by itself, and a fill tidies the index."""
        return 0

    def _forget_entry(self, org_id: str, selection: Selection) -> int:
        if not _DIGEST.fullmatch(selection.name):
            return 0
        try:
            return self._forget_fitting(org_id, [selection.name], fitting(org_id, selection))
        except redis.RedisError as error:
            raise TierAway("Redis") from error

    def _pages(self, org_id: str) -> Iterator[list[str]]:
        """Every entry that is there from the beginning to the end; one that comes meanwhile may be missed."""
        client, cursor = client_of_entries(), 0
        while True:
            reply = client.zscan(index_of(org_id), cursor, count=_AT_A_TIME)
            cursor, members = cast("tuple[int, list[tuple[bytes, float]]]", reply)
            if members:
                yield [digest.decode() for digest, _ in members]
            if not cursor:
                return

    def _forget_fitting(self, org_id: str, digests: Sequence[str], fits: Fits) -> int:
        labels = _labels(org_id, digests)
        doomed = [digest for digest, label in labels.items() if label is None or fits(label)]
        vanished = [digest for digest in digests if digest not in labels]
        if not doomed and not vanished:
            return 0
        with client_of_entries().pipeline(transaction=False) as pipe:
            for digest in doomed:
                pipe.unlink(key_of(org_id, digest))
            pipe.zrem(index_of(org_id), *doomed, *vanished)
            return sum(pipe.execute()[:-1])


def fitting(org_id: str, selection: Selection) -> Fits:
    """Whether an entry with this label is to go."""
    kind, name = selection.kind, selection.name
    asked_by = selection.asked_by.timestamp()
    wanted = mark(org_id, kind.value, name) if kind in (Kind.TAG, Kind.USER, Kind.DOCUMENT) else b""

    def fits(label: Label) -> bool:
        if label.stored_at > asked_by:
            return False
        if kind is Kind.KEY:
            return label.key_id == name
        if kind is Kind.MODEL:
            return label.model == name
        return not wanted or wanted in label.marks

    return fits


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_timeout=_PATIENCE_SECONDS,
        socket_connect_timeout=_PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def client_of_entries() -> redis.Redis:
    """One for the process. A purge may wait a little, unlike a request."""
    return _client(settings.REDIS_URL)


def _labels(org_id: str, digests: Sequence[str]) -> dict[str, Label | None]:
    """Of the entries that are there still; None for one of another version: as nobody can read it, it always goes."""
    beginnings = _beginnings(org_id, digests, _LABEL_BYTES)
    long = [digest for digest, start in beginnings.items() if int.from_bytes(start[2:4], "big") + 4 > len(start)]
    if long:
        beginnings |= _beginnings(org_id, long, _LONGEST_LABEL)
    return {digest: label_in(start) for digest, start in beginnings.items()}


def _beginnings(org_id: str, digests: Sequence[str], size: int) -> dict[str, bytes]:
    with client_of_entries().pipeline(transaction=False) as pipe:
        for digest in digests:
            pipe.getrange(key_of(org_id, digest), 0, size - 1)
        starts = cast("list[bytes]", pipe.execute())
    return {digest: start for digest, start in zip(digests, starts, strict=True) if start}
