"""What is loaded, with what, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, repeat

from inference.bench import wire


@dataclass(frozen=True, slots=True)
class Target:
    """An address on loopback that answers chat requests: the gateway, or the mock provider directly."""

    name: str
    port: int
    path: str = wire.CHAT_PATH
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def request(self, body: bytes) -> bytes:
        """One HTTP/1.1 request, as bytes to write to a socket."""
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            f"host: 127.0.0.1:{self.port}",
            "content-type: application/json",
        ]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join([*lines, f"content-length: {len(body)}"]) + "\r\n\r\n").encode() + body


@dataclass(frozen=True, slots=True)
class Workload:
    """Which questions are asked: the first one again and again (hits), or one after the other (misses)."""

    model: str
    first: int
    distinct: bool

    def bodies(self, *, stream: bool = False) -> Iterator[bytes]:
        head, tail = wire.request_frame(self.model, stream=stream)
        numbers = count(self.first) if self.distinct else repeat(self.first)
        return (head + wire.subject(number).encode() + tail for number in numbers)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """One round: how many were answered with 200, how many were not, and the latencies of those that were."""

    answered: int
    failed: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    failure: str = ""
    """What the first failure was, in the words of whoever saw it."""

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of values in ascending order."""
    if not sorted_values:
        return math.nan
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]
