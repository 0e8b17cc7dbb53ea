# ruff: noqa: ARG001, ARG002 - the interface of wires is wider than embeddings need
"""What an embeddings answer holds of what other wires have: no text, and never a stream."""

from __future__ import annotations

from collections.abc import Iterator

from inference.domain import Usage


def answer_text(body: bytes) -> str:
    """Vectors are no text: nothing is counted as written."""
    return ""


def replay(body: bytes, *, include_usage: bool) -> Iterator[bytes]:
    """The check of a request refuses `stream`."""
    raise AssertionError("embeddings are not streamed")


class NoStream:
    """See `inference.wire.format.StreamReader`. Stands in calls that are never streamed."""

    finished = False
    error: bytes | None = None
    usage: Usage | None = None

    def __init__(self, *, hide_usage: bool = False) -> None:
        """There is nothing to hide."""

    def feed(self, event: bytes) -> bool:
        raise AssertionError("embeddings are not streamed")

    def text(self) -> str:
        return ""

    def assemble(self) -> bytes | None:
        return None
