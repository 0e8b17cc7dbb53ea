# ruff: noqa: ARG001 - the interface of wires is wider than embeddings need
"""Reading an embeddings request: what is to be embedded, and how it goes upstream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

from inference.wire.canonical import canonical_bytes, settings_of
from inference.wire.checks import Invalid, shape_problem

_MOST_INPUTS = 2048
_KNOWN = frozenset({"input", "model", "dimensions", "encoding_format", "user"})
_WITHOUT_EFFECT = frozenset({"model", "user", "stream", "stream_options"})
_encode = msgspec.json.Encoder().encode

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Tokens = Annotated[list[Annotated[int, msgspec.Meta(ge=0)]], msgspec.Meta(min_length=1)]


class _Request(msgspec.Struct):
    input: str | list[Any]
    model: str | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


class _Texts(msgspec.Struct):
    input: _Text | list[_Text]


class _TokenLists(msgspec.Struct):
    input: list[_Tokens]


class _TokenList(msgspec.Struct):
    input: _Tokens


def check(body: dict[str, Any], *, own_account: bool = False) -> Invalid | None:
    """The first problem. The model must be named: vectors of different models cannot be compared, so none is chosen."""
    problem = shape_problem(body, _Request)
    if problem is not None:
        return problem
    if body.get("stream") or body.get("stream_options"):
        return Invalid("stream", "Embeddings are not streamed; leave out 'stream'.")
    if body.get("model") is None:
        return Invalid("model", "Missing required field 'model'.")
    given = body["input"]
    if not given:
        return Invalid("input", "Invalid 'input': it is empty.")
    if isinstance(given, list) and not isinstance(given[0], int) and len(given) > _MOST_INPUTS:
        return Invalid("input", f"Invalid 'input': at most {_MOST_INPUTS} inputs are taken in one request.")
    return shape_problem(body, _kind_of(given))


def stored_objects(body: Mapping[str, Any]) -> Iterator[str]:
    """Nothing is stored, and nothing stored is named."""
    return iter(())


def _kind_of(given: str | list[Any]) -> type[msgspec.Struct]:
    """What the first input is, all of them must be."""
    if isinstance(given, list) and isinstance(given[0], int):
        return _TokenList
    return _TokenLists if isinstance(given, list) and isinstance(given[0], list) else _Texts


def upstream_body(body: Mapping[str, Any], upstream_model: str, *, stream: bool) -> bytes:
    """The request as the provider gets it."""
    sent = {name: value for name, value in body.items() if name not in ("stream", "stream_options")}
    return _encode({**sent, "model": upstream_model})


def canonical(body: Mapping[str, Any]) -> bytes:
    """Equal for requests that must get the same vectors, in the same encoding, from the same model."""
    fields = settings_of(body, known=_KNOWN, ignored=_WITHOUT_EFFECT, neutral={"encoding_format": ("float",)})
    return canonical_bytes(fields)


def input_token_bound(body: Mapping[str, Any], raw_length: int) -> int:
    """A byte-level tokenizer never makes more tokens than there are bytes; a token given as a number takes at least two
    bytes. Each input may be framed by a few tokens of the model's own."""
    given = body["input"]
    return raw_length + 4 * (len(given) if isinstance(given, list) else 1)


def no_text(body: Mapping[str, Any]) -> str:
    """Nothing is asked, instructed or chosen."""
    return ""


def no_question(body: Mapping[str, Any]) -> None:
    """Vectors answer no question."""


def max_output_tokens(body: Mapping[str, Any]) -> int | None:
    """Nothing is written."""
    return 0


def answers(body: Mapping[str, Any]) -> int:
    """None that is charged by its length."""
    return 0


def include_usage(body: Mapping[str, Any]) -> bool:
    """The usage is part of every answer."""
    return False


def needs(body: Mapping[str, Any]) -> frozenset[str]:
    """Nothing beyond the wire."""
    return frozenset()
