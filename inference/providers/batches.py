"""The seam to providers' own batch services: many requests handed over at once, answered within a day at half price."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from inference.domain import Wire

_REJECTED = range(400, 500)
_TRY_OTHERWISE = frozenset({408, 409, 429})
_LONGEST_LINE = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be handed over. `marker` is told to the provider where it keeps such a thing."""

    marker: str
    wire: Wire
    lines: int
    made_at: datetime
    beta: str = ""
    """Anthropic's features in beta that the requests ask for."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request, as the provider shall get it. `name` is what its answer will be found by."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """`problem` says why a batch ended without having been worked on."""

    ended: bool
    problem: str = ""


class LineEnd(StrEnum):
    ANSWERED = "answered"
    REJECTED = "rejected"  # the request is wrong: it would be refused again
    UNDONE = "undone"  # not worked on, or not well: it may be tried otherwise
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class LineResult:
    """How one request ended. `body` is the provider's answer or error, as it came."""

    name: str
    end: LineEnd
    status: int = 0
    body: bytes = b""


class ProviderBatchError(Exception):
    """The provider's batch service did not do as asked. Safe to show to operators: it says nothing of any content."""

    def __init__(self, message: str, *, permanent: bool = False, gone: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        """Asking the same again would fail again."""
        self.gone = gone
        """The provider knows of no such batch."""


def problem_of(error: Exception, status: int | None) -> ProviderBatchError:
    """What a vendor's client says went wrong; `status` is the provider's, when it answered."""
    if status is None:
        return ProviderBatchError(type(error).__name__)
    permanent = status in _REJECTED and status not in _TRY_OTHERWISE
    return ProviderBatchError(f"the provider answered {status}", permanent=permanent, gone=status in (404, 410))


def end_of_status(status: int) -> LineEnd:
    """How a line ended that the provider answered with this error."""
    return LineEnd.REJECTED if status in _REJECTED and status not in _TRY_OTHERWISE else LineEnd.UNDONE


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a results file as it arrives. Raises ProviderBatchError for one longer than any answer may be."""
    rest = bytearray()
    async for piece in pieces:
        rest += piece
        if b"\n" in piece:
            *whole, rest = rest.split(b"\n")
            for line in whole:
                if line.strip():
                    yield bytes(line)
        if len(rest) > _LONGEST_LINE:
            raise ProviderBatchError("a line of the results is longer than any answer may be")
    if rest.strip():
        yield bytes(rest)


class ProviderBatches(Protocol):
    """The batch service of one account. Everything here may raise ProviderBatchError."""

    most_bytes: int
    """How much one batch may hold, at most."""

    async def submit(self, intent: Intent, lines: AsyncIterator[Line]) -> str:
        """Hand them over; the provider's id of the batch. After an error it may or may not have been taken: `find`
        tells."""
        ...

    async def find(self, intent: Intent, known: frozenset[str]) -> str | None:
        """The batch that an earlier attempt handed over, if there is one. It is none of the `known` ones."""
        ...

    async def poll(self, upstream_id: str) -> Progress: ...

    def results(self, upstream_id: str) -> AsyncIterator[LineResult]:
        """Of a batch that has ended, in any order. Lines may be missing."""
        ...

    async def cancel(self, upstream_id: str) -> None:
        """Idempotent. What is already answered stays answered, and is charged."""
        ...

    async def aclose(self) -> None: ...
