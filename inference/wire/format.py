"""One interface over the wires that Asahi speaks, and the lookup from a `Wire` to its format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from inference.domain import Usage, Wire
from inference.wire.chat import ChatFormat
from inference.wire.checks import Invalid
from inference.wire.embeddings import EmbeddingsFormat
from inference.wire.errors import Kind
from inference.wire.messages import MessagesFormat
from inference.wire.questions import Question
from inference.wire.responses import ResponsesFormat


class StreamReader(Protocol):
    """Watches the events of one stream on their way to the client.

    `usage` is what the provider said so far. `finished`: the stream came to its proper end. `error`: the provider's own
    error object as JSON, when it sent one after its first byte.
    """

    finished: bool
    error: bytes | None

    @property
    def usage(self) -> Usage | None: ...

    def feed(self, event: bytes) -> bool:
        """Takes one whole event. False for an event that the client must not see."""

    def text(self) -> str:
        """All that was written so far, for estimating the tokens of an unfinished stream."""

    def assemble(self) -> bytes | None:
        """The whole answer as a body, or None when it is incomplete or cannot be put together with certainty."""


class WireFormat(Protocol):
    """What there is to know about a wire. Everything after `check` relies on a body that passed it."""

    @property
    def wire(self) -> Wire: ...

    def check(self, body: dict[str, Any], *, own_account: bool = False) -> Invalid | None:
        """The first problem in a request that can be told here, named by its field. `own_account`: it may name what the
        provider keeps for the caller's own account."""

    def stored_objects(self, body: Mapping[str, Any]) -> Iterator[str]:
        """The paths of the fields that name what a provider keeps for its account, or make it keep something."""

    def upstream_body(self, body: Mapping[str, Any], upstream_model: str, *, stream: bool) -> bytes:
        """The request as the provider gets it."""

    def canonical(self, body: Mapping[str, Any]) -> bytes:
        """Equal for requests that must get the same answer from the same model."""

    def task_text(self, body: Mapping[str, Any]) -> str:
        """The text of the last user message."""

    def question(self, body: Mapping[str, Any]) -> Question | None:
        """What is asked at the end in plain words of the user, apart from the rest; None when it is anything else."""

    def system_text(self, body: Mapping[str, Any]) -> str:
        """The instructions."""

    def max_output_tokens(self, body: Mapping[str, Any]) -> int | None:
        """The limit the request sets for one answer, if it does."""

    def answers(self, body: Mapping[str, Any]) -> int:
        """How many answers are asked for."""

    def service(self, body: Mapping[str, Any]) -> str:
        """What the request asks to be served with, if that may have a price of its own."""

    def include_usage(self, body: Mapping[str, Any]) -> bool:
        """Whether the client wants to see the usage at the end of a stream."""

    def input_token_bound(self, body: Mapping[str, Any], raw_length: int) -> int:
        """An upper bound on the input tokens of a body of `raw_length` bytes."""

    def needs(self, body: Mapping[str, Any]) -> frozenset[str]:
        """What a model must be able to do: names from `inference.wire.capabilities`."""

    def usage_of_body(self, raw: bytes) -> Usage | None:
        """What a whole answer used; None when it does not say, or says what cannot be true."""

    def answer_text(self, body: bytes) -> str:
        """The text of a whole answer."""

    def read_stream(self, *, hide_usage: bool = False) -> StreamReader:
        """A reader for one stream."""

    def replay(self, body: bytes, *, include_usage: bool) -> Iterator[bytes]:
        """A whole answer as the events of a stream."""

    def error_body(
        self, kind: Kind, message: str, *, code: str | None = None, param: str | None = None, request_id: str = ""
    ) -> bytes:
        """An error in the shape of this wire."""

    def error_event(
        self, kind: Kind, message: str, *, code: str | None = None, param: str | None = None, request_id: str = ""
    ) -> bytes:
        """An error after the first byte, as an event of a stream."""


_FORMATS: Final[dict[Wire, WireFormat]] = {
    Wire.CHAT: ChatFormat(),
    Wire.MESSAGES: MessagesFormat(),
    Wire.RESPONSES: ResponsesFormat(),
    Wire.EMBEDDINGS: EmbeddingsFormat(),
}


def format_of(wire: Wire) -> WireFormat:
    return _FORMATS[wire]
