"""The seam to providers: what the executor asks of an upstream, and how a call to it can fail."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from inference.domain import Wire

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a provider is given: for a connection, then for its first byte, then between any two pieces."""

    connect: float
    first_byte: float
    idle: float


@dataclass(frozen=True, slots=True)
class Target:
    """Where a model's calls go. `headers` carry the credentials; they are never logged or shown.

    `patience` is None for the usual one. `account` is the organization's own, with the last characters of its key as a
    `hint`, and empty for the deployment's. The address of a `guarded` one was named by an organization.
    """

    provider: str
    wire: Wire
    url: str
    headers: Headers
    simulated: bool
    patience: Patience | None = None
    account: str = ""
    hint: str = ""
    guarded: bool = False

    def __repr__(self) -> str:
        return f"Target({self.provider}, {self.url})"


class FailureKind(StrEnum):
    """How an upstream call failed, by what may be done about it."""

    REJECTED = "rejected"  # the provider says the request is wrong: the caller's to mend
    OVERLOADED = "overloaded"  # 429 or 5xx: another try may work
    UNREACHABLE = "unreachable"  # nothing was sent: another try is free
    ACCOUNT_NEEDED = "account_needed"  # it was not called: the call must not be made with the deployment's account
    TIMED_OUT = "timed_out"  # it may have worked on it: not tried again at the same provider
    MISCONFIGURED = "misconfigured"  # our key or our address is wrong
    KEY_REFUSED = "key_refused"  # the organization's own key is refused: its own to mend
    BROKEN = "broken"  # it was sent, and brought no usable answer: it may have been worked on, so not tried again


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


_OVERLOADED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_MISCONFIGURED = frozenset({401, 402, 403})


def failure_of_status(status: int, *, body: bytes = b"", retry_after: float | None = None) -> Failure:
    """What an error status of a provider means."""
    message = f"the provider answered {status}"
    if status in _OVERLOADED:
        return Failure(FailureKind.OVERLOADED, message, status, body, retry_after)
    if status in _MISCONFIGURED:
        return Failure(FailureKind.MISCONFIGURED, message, status)
    if 400 <= status < 500:
        return Failure(FailureKind.REJECTED, message, status, body)
    return Failure(FailureKind.BROKEN, message, status)


class UpstreamBroken(Exception):  # noqa: N818 - it is the upstream that is broken
    """A stream that ended before its end, or grew beyond the limit. What came before it was already relayed."""


class UpstreamFailed(UpstreamBroken):
    """A stream that is an error and no answer: its first event says so. Nothing of it was relayed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class OpenStream(Protocol):
    """A stream whose answer has begun."""

    async def read(self) -> bytes:
        """What has arrived, waiting for some; empty at the end. Raises UpstreamBroken when the provider fails."""
        ...


class Upstream(Protocol):
    """One pooled client for every provider's hot wire. `headers` are the caller's, beside the target's own."""

    def reached(self) -> bool:
        """Whether the last request of the calling task got as far as the provider, however it ended."""
        ...

    async def complete(self, target: Target, body: bytes, headers: Headers = ()) -> bytes | Failure:
        """The whole answer of a 200, or why there is none."""
        ...

    def stream(
        self, target: Target, body: bytes, headers: Headers = ()
    ) -> AbstractAsyncContextManager[OpenStream | Failure]:
        """A stream whose 200 has arrived, or why there is none. Leaving the context lets the connection go."""
        ...
