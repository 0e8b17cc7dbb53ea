"""Adding the chunks of a chat stream up to the whole answer.

An answer that cannot be put together with certainty (a delta of a kind unknown here, choices that never ended, audio,
whose pieces do not concatenate) is no answer: `body` is None and nothing is cached.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from inference.wire.decoding import INVALID

_GROWING: Final = frozenset({"content", "refusal", "reasoning_content", "reasoning"})
"""Delta fields that arrive in pieces of text."""

_PER_CHUNK: Final = frozenset({"object", "choices", "obfuscation"})


class _PlainDelta(msgspec.Struct, forbid_unknown_fields=True):
    content: str


class _PlainChoice(msgspec.Struct, forbid_unknown_fields=True):
    delta: _PlainDelta
    index: int = 0
    logprobs: None = None
    finish_reason: None = None


class _PlainChunk(msgspec.Struct, forbid_unknown_fields=True):
    """A chunk that says nothing but the next piece of text: nearly all of them, so they are decoded fast.

    What is said on every chunk is taken from the others: the first tells the role and the last why the choice ended.
    """

    choices: tuple[_PlainChoice]
    id: msgspec.Raw = msgspec.Raw()
    object: msgspec.Raw = msgspec.Raw()
    created: msgspec.Raw = msgspec.Raw()
    model: msgspec.Raw = msgspec.Raw()
    service_tier: msgspec.Raw = msgspec.Raw()
    system_fingerprint: msgspec.Raw = msgspec.Raw()
    obfuscation: msgspec.Raw = msgspec.Raw()
    usage: None = None


_plain_chunk = msgspec.json.Decoder(_PlainChunk)


class UnknownDeltaError(Exception):
    """A delta that cannot be merged with certainty."""


class _Text:
    """A text that grows in pieces; None until the first piece that is not null."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[str] | None = None

    def add(self, piece: Any) -> None:
        if piece is None:
            return
        if not isinstance(piece, str):
            raise UnknownDeltaError("text")
        if self.pieces is None:
            self.pieces = []
        self.pieces.append(piece)

    @property
    def value(self) -> str | None:
        return None if self.pieces is None else "".join(self.pieces)


class _Call:
    """One tool call; its arguments (or a custom tool's input) arrive in pieces, all else once or repeated."""

    __slots__ = ("fields", "inner", "inner_name", "text")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.inner: dict[str, Any] = {}
        self.inner_name = ""
        self.text = _Text()

    def add(self, delta: dict[str, Any]) -> None:
        for name, value in delta.items():
            if name in ("function", "custom"):
                self.inner_name = name
                self._add_inner(value or {})
            elif name != "index":
                _set_once(self.fields, name, value)

    def _add_inner(self, delta: dict[str, Any]) -> None:
        growing = "arguments" if self.inner_name == "function" else "input"
        for name, value in delta.items():
            if name == growing:
                self.text.add(value)
            else:
                _set_once(self.inner, name, value)

    def whole(self) -> dict[str, Any]:
        if "id" not in self.fields or "name" not in self.inner:
            raise UnknownDeltaError("tool_calls")
        growing = "arguments" if self.inner_name == "function" else "input"
        call = {"id": "", "type": self.inner_name, **self.fields}
        return {**call, self.inner_name: {**self.inner, growing: self.text.value or ""}}


class _Choice:
    __slots__ = ("calls", "extras", "finish_reason", "logprobs", "message", "texts")

    def __init__(self) -> None:
        self.texts = {"content": _Text()}
        self.message: dict[str, Any] = {}
        self.calls: dict[int, _Call] = {}
        self.logprobs: dict[str, list[Any] | None] | None = None
        self.finish_reason: str | None = None
        self.extras: dict[str, Any] = {}

    def add(self, choice: dict[str, Any]) -> None:
        for name, value in choice.items():
            if name == "delta":
                self._add_delta(value or {})
            elif name == "finish_reason":
                self.finish_reason = value or self.finish_reason
            elif name == "logprobs":
                self._add_logprobs(value)
            elif name != "index" and value is not None:
                self.extras[name] = value

    def _add_delta(self, delta: dict[str, Any]) -> None:
        for name, value in delta.items():
            if name in _GROWING:
                self.texts.setdefault(name, _Text()).add(value)
            elif name == "tool_calls":
                self._add_calls(value or [])
            elif name == "annotations":
                self.message.setdefault(name, []).extend(value or ())
            elif name == "audio" and value is not None:
                raise UnknownDeltaError(name)
            else:
                _set_once(self.message, name, value)

    def _add_calls(self, deltas: list[dict[str, Any]]) -> None:
        for delta in deltas:
            index = delta.get("index")
            if not isinstance(index, int):
                raise UnknownDeltaError("tool_calls")
            self.calls.setdefault(index, _Call()).add(delta)

    def _add_logprobs(self, logprobs: dict[str, list[Any] | None] | None) -> None:
        if logprobs is None:
            return
        if self.logprobs is None:
            self.logprobs = {}
        for name, tokens in logprobs.items():
            known = self.logprobs.get(name)
            if known is None:
                self.logprobs[name] = tokens
            else:
                known.extend(tokens or ())

    def text(self) -> str:
        pieces = [text.value or "" for text in self.texts.values()]
        for call in self.calls.values():
            pieces += [str(call.inner.get("name", "")), call.text.value or ""]
        return "".join(pieces)

    def whole(self, index: int) -> dict[str, Any]:
        if self.finish_reason is None:
            raise UnknownDeltaError("finish_reason")
        texts = {name: text.value for name, text in self.texts.items()}
        message: dict[str, Any] = {"role": "assistant", **texts, **self.message}
        if self.calls:
            message["tool_calls"] = [self.calls[key].whole() for key in sorted(self.calls)]
        whole = {"index": index, "message": message, "logprobs": self.logprobs, "finish_reason": self.finish_reason}
        return whole | self.extras


class ChatAssembly:
    """Takes the chunks of one stream, in order."""

    __slots__ = ("_choices", "_supported", "_top")

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._supported = True

    def add(self, data: bytes) -> None:
        if not data:
            return  # a comment that keeps the connection alive
        if not self._add_plain(data):
            self._add_any(data)

    def _add_plain(self, data: bytes) -> bool:
        try:
            (choice,) = _plain_chunk.decode(data).choices
        except INVALID:
            return False
        known = self._choices.get(choice.index)
        if known is None:
            return False
        known.texts["content"].add(choice.delta.content)
        return True

    def _add_any(self, data: bytes) -> None:
        try:
            chunk = msgspec.json.decode(data)
            for choice in chunk.get("choices") or ():
                self._choice(choice.get("index", 0)).add(choice)
            for name, value in chunk.items():
                if name not in _PER_CHUNK and value is not None:
                    self._top[name] = value
        except (*INVALID, UnknownDeltaError, AttributeError, TypeError):
            self._supported = False

    def _choice(self, index: Any) -> _Choice:
        if not isinstance(index, int):
            raise UnknownDeltaError("index")
        return self._choices.setdefault(index, _Choice())

    def text(self) -> str:
        return "".join(choice.text() for choice in self._choices.values())

    def body(self) -> bytes | None:
        """The whole answer; None when it cannot be put together with certainty."""
        if not self._supported or sorted(self._choices) != list(range(len(self._choices))) or not self._choices:
            return None
        try:
            choices = [self._choices[index].whole(index) for index in range(len(self._choices))]
        except UnknownDeltaError:
            return None
        head = {"id": "", "object": "chat.completion", **self._top}
        return msgspec.json.encode({**head, "choices": choices})


def _set_once(fields: dict[str, Any], name: str, value: Any) -> None:
    """Sets a field that does not grow: repeated or empty is fine, a second value is not understood."""
    if value is None or value in ("", [], {}):
        return
    if fields.setdefault(name, value) != value:
        raise UnknownDeltaError(name)
