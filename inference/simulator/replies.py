"""What a provider's package hands over to be sent: a prepared call, the reply to it, and its dialect for errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from inference.simulator.exchange import Headers
from inference.simulator.refusals import Refusal


class Event(NamedTuple):
    """A server-sent event as bytes, and how many output tokens have left with it."""

    data: bytes
    tokens: int


@dataclass(frozen=True, slots=True)
class Metered:
    """Tokens of one call. `input` includes the cached and the cache-writing ones, for every provider.

    `output` includes reasoning, sound and rejected predictions, `input` includes sound. `service` is the tier in the
    answer.
    """

    input: int
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    web_searches: int = 0
    accepted_prediction: int = 0
    rejected_prediction: int = 0
    service: str = "default"

    def cut_at(self, output: int) -> Metered:
        """The same call when no more than so much of the answer was sent. Sound goes evenly through all of it; what of
        a prediction was rejected is no part of what is sent, and told at the end."""
        if self.rejected_prediction and output == self.output - self.rejected_prediction:
            return self
        sound = self.audio_output * output // self.output if self.audio_output else 0
        return replace(self, output=output, reasoning=min(self.reasoning, output), audio_output=sound)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer ready to be sent: a whole JSON body, or events one by one."""

    call_id: str
    metered: Metered
    body: bytes = b""
    events: Iterator[Event] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Something to hand over that costs nothing and is no JSON object."""

    body: bytes
    content_type: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that a provider accepts. Its answer is made only when no fault comes first.

    Calls that cost nothing (lists, token counts) are not entered in the ledger.
    """

    provider: str
    model: str
    perform: Callable[[], Reply | Refusal]
    stream: bool = False
    billed: bool = True


class Dialect(Protocol):
    """How a provider says that something went wrong, and the headers it adds to everything."""

    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        """The JSON of an error answer."""

    def headers(self, request_id: str, milliseconds: int) -> Headers:
        """Headers of every answer, good or bad."""

    def error_event(self, refusal: Refusal, request_id: str, path: str) -> bytes:
        """The server-sent event that tells of an error after the answer has begun."""

    def outage(self, status: int) -> Refusal:
        """The error a provider gives with this status when nothing is wrong with the request."""
