"""How sure T2 has to be for one organization, learned from what its own traffic shows for nothing.

Every miss brings a new answer, which is compared with the nearest entry's: had that been served, right or wrong? A few
hits are sent on all the same, to be labelled too. Labels are counted by certainty, in bins. From the most certain bin
downwards, bins are opened as long as the errors expected of all open bins stay within the target, with a small margin.
That aims at the target and is no guarantee: a stream may realise half as much again, one the gate misjudges twice as
much. A bin is labelled by its misses before it is opened, so opening it is not a guess.

The target is a share of all requests that are looked up. State is a value: the same labels in the same order give the
same thresholds, and a store keeps it as JSON of some hundred bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import msgspec

DEFAULT_TARGET = 0.01

_BINS = 24
_LOWEST, _WIDTH = -2.4, 0.3
"""Bins are of equal width in log-odds, so that they resolve what lies near certainty."""

_ENOUGH_LABELS = 60
"""In all, before anything is concluded."""
_ENOUGH_IN_BIN = 6
_BELIEVED = 0.5
"""How many labels the gate's own probability is worth in a bin."""
_SAFETY = 0.1
"""Standard errors above the estimate at which the errors of the open bins are taken to be."""
_EXPLORED, _EXPLORED_NEW = 0.03, 0.08
_KEPT = 40_000.0
"""Requests after which the older half of everything begins to fade."""


@dataclass(frozen=True, slots=True)
class Realised:
    """Of the certainty that is served: how often a label said that the answer was right and wrong, and how many of the
    requests had it."""

    right: float
    wrong: float
    served: float
    requests: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was seen by bin of certainty: requests, and labels by outcome. `requests` counts those of no bin too."""

    requests: float = 0.0
    seen: tuple[float, ...] = (0.0,) * _BINS
    right: tuple[float, ...] = (0.0,) * _BINS
    wrong: tuple[float, ...] = (0.0,) * _BINS

    def with_request(self, certainty: float | None) -> Calibration:
        """One more request was looked up. None: nothing could have been served, or a guard spoke against it."""
        state = self if self.requests < _KEPT else self._faded()
        if certainty is None:
            return replace(state, requests=state.requests + 1)
        return replace(state, requests=state.requests + 1, seen=_one_more(state.seen, _bin_of(certainty)))

    def with_label(self, certainty: float, *, right: bool) -> Calibration:
        """The nearest entry's answer was compared with a new one; no guard had spoken against serving it."""
        place = _bin_of(certainty)
        if right:
            return replace(self, right=_one_more(self.right, place))
        return replace(self, wrong=_one_more(self.wrong, place))

    def plus(self, other: Calibration) -> Calibration:
        """What both saw."""
        both = self._with(other, 1.0)
        return both._faded() if both.requests >= 2 * _KEPT else both

    def minus(self, other: Calibration) -> Calibration:
        """What this saw besides the other, which is part of it."""
        return self._with(other, -1.0)

    def threshold(self, target: float = DEFAULT_TARGET) -> float | None:
        """The least certainty to serve at; None while too little is known, and 1.1 when nothing is safe."""
        lowest = self._lowest_open(target)
        return None if lowest is None else _certainty_at(lowest)

    def realised(self, target: float = DEFAULT_TARGET) -> Realised:
        """What is known of what is served: nothing, while too little is."""
        lowest = self._lowest_open(target)
        if lowest is None:
            return Realised(0.0, 0.0, 0.0, self.requests)
        return Realised(sum(self.right[lowest:]), sum(self.wrong[lowest:]), sum(self.seen[lowest:]), self.requests)

    def _lowest_open(self, target: float) -> int | None:
        """The first bin that is served; None while too little is known, one behind the last when nothing is safe."""
        if sum(self.right) + sum(self.wrong) < _ENOUGH_LABELS:
            return None
        allowed = target * self.requests
        errors = self._error_rates()
        expected = variance = 0.0
        lowest = _BINS
        for place in reversed(range(_BINS)):
            labels = self.right[place] + self.wrong[place]
            expected += self.seen[place] * errors[place]
            variance += self.seen[place] ** 2 * errors[place] * (1 - errors[place]) / (labels + _BELIEVED)
            if expected + _SAFETY * math.sqrt(variance) > allowed:
                break
            if labels >= _ENOUGH_IN_BIN or self.seen[place] == 0:
                lowest = place
        return lowest

    def explores(self, certainty: float, coin: float) -> bool:
        """Whether a hit is sent on to be labelled; `coin` is uniform in [0, 1), from a digest of the request."""
        place = _bin_of(certainty)
        known = self.right[place] + self.wrong[place] >= 2 * _ENOUGH_IN_BIN
        return coin < (_EXPLORED if known else _EXPLORED_NEW)

    def to_json(self) -> bytes:
        """For the store."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Calibration:
        """A new one for anything that is not a calibration of this version: learning again is safe."""
        try:
            state = msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return cls()
        return state if {len(state.seen), len(state.right), len(state.wrong)} == {_BINS} else cls()

    def _with(self, other: Calibration, sign: float) -> Calibration:
        def added(mine: tuple[float, ...], others: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(max(0.0, one + sign * another) for one, another in zip(mine, others, strict=True))

        return Calibration(
            max(0.0, self.requests + sign * other.requests),
            added(self.seen, other.seen),
            added(self.right, other.right),
            added(self.wrong, other.wrong),
        )

    def _error_rates(self) -> list[float]:
        """By bin, never falling towards less certainty: neighbouring bins that say otherwise are taken together."""
        groups: list[tuple[float, float, int]] = []
        for place in reversed(range(_BINS)):
            believed = _BELIEVED * (1 - _middle(place))
            groups.append((self.wrong[place] + believed, self.right[place] + self.wrong[place] + _BELIEVED, 1))
            while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
                (wrong, total, size), (more, others, width) = groups.pop(), groups.pop()
                groups.append((wrong + more, total + others, size + width))
        return [wrong / total for wrong, total, size in groups for _ in range(size)][::-1]

    def _faded(self) -> Calibration:
        def half(counts: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(round(count / 2, 3) for count in counts)

        return Calibration(self.requests / 2, half(self.seen), half(self.right), half(self.wrong))


def _bin_of(certainty: float) -> int:
    inside = min(max(certainty, 1e-6), 1 - 1e-6)
    return min(_BINS - 1, max(0, int((math.log(inside / (1 - inside)) - _LOWEST) / _WIDTH)))


def _certainty_at(place: int) -> float:
    """The lower edge of a bin; above 1, and never reached, behind the last one."""
    return 1.1 if place == _BINS else 1 / (1 + math.exp(-(_LOWEST + place * _WIDTH)))


def _middle(place: int) -> float:
    return 1 / (1 + math.exp(-(_LOWEST + (place + 0.5) * _WIDTH)))


def _one_more(counts: tuple[float, ...], place: int) -> tuple[float, ...]:
    return (*counts[:place], counts[place] + 1, *counts[place + 1 :])
