"""Which beginnings of prompts an organization sends again, and how surely: what providers' prompt caches pay by.

A provider charges more for writing a beginning into its cache, and much less for reading it there. So it pays to mark
one when it will come again before the provider forgets it. Whether it will is told by what came so far, in Redis; the
keys of an organization hold a bounded number of digests, and are gone an hour after its last long prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import hiredis

from governance.redis_pipe import RedisAway, RedisPipe, pack
from governance.scripts import Script

REMEMBERED_SECONDS = 300
"""How long a provider keeps what it wrote, since it was last read."""
_MOST = 2_000

_KINDS = ((True, False), (True, True), (False, False), (False, True))
"""Named or not, seen before or not: as `sight.lua` returns their odds."""
_EXPECTED = {(True, False): 0.7, (True, True): 0.8, (False, False): 0.15, (False, True): 0.6}
_WEIGHT = 4.0
"""What is expected counts as much as so many sightings."""


SIGHT = Script(Path(__file__).parent.parent / "lua" / "sight.lua")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of a prompt's beginnings. `known` is the longest one that came before, by its place among those
    given, None when none did; `before` is how often. `again` is how likely the longest of all is to come again in
    time, and `known_again` the same of the known one."""

    known: int | None
    before: int
    again: float
    known_again: float


class Prefixes(Protocol):
    """Remembers beginnings of prompts."""

    async def sight(self, org_id: str, digests: Sequence[bytes], *, named: bool) -> Sighting:
        """One prompt with its beginnings, the shortest first. `named`: the caller named the document. Never raises."""


class RedisPrefixes:
    """See `Prefixes`; without Redis nothing is known, and only what is named is expected again."""

    def __init__(self, pipe: RedisPipe) -> None:
        self._pipe = pipe

    async def sight(self, org_id: str, digests: Sequence[bytes], *, named: bool) -> Sighting:
        keys = f"asahi:t3:{{{org_id}}}:prefixes", f"asahi:t3:{{{org_id}}}:odds"
        asked = pack(b"EVALSHA", SIGHT.digest, 2, *keys, REMEMBERED_SECONDS, _MOST, int(named), *digests)
        try:
            (told,) = await self._pipe.submit(asked)
        except RedisAway:
            told = None
        if told is None or isinstance(told, hiredis.ReplyError):
            told = [0] * 10
        return sighting_of(told, named=named, last=len(digests) - 1)


def sighting_of(told: Sequence[int], *, named: bool, last: int) -> Sighting:
    """`told` is the longest known beginning, counted from 1, how often it came, and for each kind of sighting how many
    there were and after how many of them the same came again."""
    known = told[0] - 1 if told[0] else None
    odds = {
        kind: (told[3 + 2 * place] + _WEIGHT * _EXPECTED[kind]) / (told[2 + 2 * place] + _WEIGHT)
        for place, kind in enumerate(_KINDS)
    }
    again = min(odds[named, known is not None], 1.0)
    return Sighting(known, told[1], again, again if known == last else min(odds[named, True], 1.0))
