"""The seam to providers: what the executor asks of an upstream, and how a call to it can fail."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from inference.domain import Wire

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a model's calls go. `headers` carry the credentials; they are never logged or shown."""

    provider: str
    wire: Wire
    url: str
    headers: Headers
    simulated: bool

    def __repr__(self) -> str:
        return f"Target({self.provider}, {self.url})"


class FailureKind(StrEnum):
    """How an upstream call failed, by what may be done about it."""

    REJECTED = "rejected"  # the provider says the request is wrong: the caller's to mend
    OVERLOADED = "overloaded"  # 429 or 5xx: another try may work
    UNREACHABLE = "unreachable"  # nothing was sent: another try is free
    TIMED_OUT = "timed_out"  # it may have worked on it: not tried again at the same provider
    MISCONFIGURED = "misconfigured"  # our key or our address is wrong
    BROKEN = "broken"  # the answer began and is not usable


@dataclass(frozen=True, slots=True)
class Failure:
    """An upstream call that brought no usable answer. `body` is the provider's own when it rejected the request."""

    kind: FailureKind
    message: str
    status: int | None = None
    body: bytes = b""
    retry_after: float | None = None

    @property
    def permanent(self) -> bool:
        """Whether the same call to the same provider would fail again, or must not be repeated."""
        return self.kind not in {FailureKind.OVERLOADED, FailureKind.UNREACHABLE}


class UpstreamBroken(Exception):  # noqa: N818 - it is the upstream that is broken
    """A stream that ended before its end, or grew beyond the limit. What came before it was already relayed."""


class OpenStream(Protocol):
    """A stream whose answer has begun."""

    async def read(self) -> bytes:
        """What has arrived, waiting for some; empty at the end. Raises UpstreamBroken when the provider fails."""
        ...


class Upstream(Protocol):
    """One pooled client for every provider's hot wire. `headers` are the caller's, beside the target's own."""

    async def complete(self, target: Target, body: bytes, headers: Headers = ()) -> bytes | Failure:
        """The whole answer of a 200, or why there is none."""
        ...

    def stream(
        self, target: Target, body: bytes, headers: Headers = ()
    ) -> AbstractAsyncContextManager[OpenStream | Failure]:
        """A stream whose 200 has arrived, or why there is none. Leaving the context closes the connection."""
        ...
