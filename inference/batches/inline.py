"""Anthropic's batches bring their requests in the body of one call, which is read piece by piece and kept as a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Protocol

import msgspec

from inference.batches.lines import LONGEST_LINE, MOST_MESSAGES

_PIECE = 64 * 1024
_BRACKET = re.compile(rb'[{}\[\]"]')
_IN_STRING = re.compile(rb'["\\]')
_SPACE = b" \t\r\n"
_MARKS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}


class BadRequests(ValueError):  # noqa: N818 - it is they that are bad
    """What is wrong with the body. The words are safe to show."""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    custom_id: Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    params: msgspec.Raw


_decode = msgspec.json.Decoder(_Request).decode
_encode = msgspec.json.Encoder().encode


class Requests:
    """The lines that a body's requests become, for one walk. `count` is how many there were."""

    def __init__(self, stream: Readable, url: str) -> None:
        self.count = 0
        self._elements = _Elements(stream)
        self._url = url
        self._seen: set[str] = set()

    def __iter__(self) -> Iterator[bytes]:
        """Raises BadRequests."""
        for raw in self._elements:
            self.count += 1
            if self.count > MOST_MESSAGES:
                raise BadRequests(f"requests: there may be {MOST_MESSAGES} of them")
            yield self._line(raw)
        if not self.count:
            raise BadRequests("requests: there must be one at least")

    def _line(self, raw: bytes) -> bytes:
        place = f"requests.{self.count - 1}"
        try:
            request = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequests(f"{place}: {error}") from None
        if request.custom_id in self._seen:
            raise BadRequests(f"{place}.custom_id: '{request.custom_id}' is used more than once")
        if not bytes(request.params).startswith(b"{"):
            raise BadRequests(f"{place}.params: must be an object")
        self._seen.add(request.custom_id)
        line = {"custom_id": request.custom_id, "method": "POST", "url": self._url, "body": request.params}
        return _encode(line).replace(b"\n", b" ") + b"\n"  # between its parts, where alone one may be


class _Elements:
    """The elements of the array in `{"requests": [...]}`, one after the other, each as it is written."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._held = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        self._expect(b"{")
        self._expect(b'"requests"')
        self._expect(b":")
        self._expect(b"[")
        separator = self._next()
        while separator != b"]":
            yield self._element()
            separator = self._next()
            if separator == b",":
                self._expect(b",")
            elif separator != b"]":
                raise BadRequests("the body is not valid JSON: a comma is missing between two requests")
        self._expect(b"]")
        if self._next() == b",":
            raise BadRequests("the body may have 'requests' and nothing else")
        self._expect(b"}")
        if self._next():
            raise BadRequests("the body is not valid JSON: something follows its end")

    def _fill(self) -> bool:
        piece = self._stream.read(_PIECE)
        self._held += piece
        return bool(piece)

    def _next(self) -> bytes:
        """The next byte that is no space, still to be read; empty at the end."""
        while True:
            self._held = self._held.lstrip(_SPACE)
            if self._held:
                return bytes(self._held[:1])
            if not self._fill():
                return b""

    def _expect(self, word: bytes) -> None:
        self._next()
        while len(self._held) < len(word) and self._fill():
            pass
        if not self._held.startswith(word):
            raise BadRequests('the body must be {"requests": [...]}, in JSON')
        del self._held[: len(word)]

    def _element(self) -> bytes:
        if self._next() != b"{":
            raise BadRequests("requests: each must be an object")
        depth, at, in_string = 0, 0, False
        while True:
            found = (_IN_STRING if in_string else _BRACKET).search(self._held, at)
            if found is None:
                at = len(self._held)
                self._more()
                continue
            mark, at = self._held[found.start()], found.end()
            if mark == ord("\\"):
                if at == len(self._held):
                    self._more()
                at += 1
            elif mark == ord('"'):
                in_string = not in_string
            else:
                depth += _MARKS[mark]
                if not depth:
                    element = bytes(self._held[:at])
                    del self._held[:at]
                    return element

    def _more(self) -> None:
        if len(self._held) > LONGEST_LINE:
            raise BadRequests(f"requests: one may have {LONGEST_LINE} bytes")
        if not self._fill():
            raise BadRequests("the body is not valid JSON: it ends too early")
