"""The way from a caller's wire to a model's: one translation, or two in a row.

A request goes up through the steps in order; an answer, or its stream, comes down through them in reverse.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from inference.domain import Model, Wire
from inference.wire.translate.answers import answer_to_chat, answer_to_messages
from inference.wire.translate.chat_request import to_messages
from inference.wire.translate.chat_to_responses import chat_to_responses
from inference.wire.translate.messages_request import to_chat
from inference.wire.translate.refusal import Untranslatable
from inference.wire.translate.responses_answer import answer_to_responses
from inference.wire.translate.responses_request import responses_to_chat
from inference.wire.translate.responses_to_chat import ResponsesToChat, response_to_chat
from inference.wire.translate.stream_to_chat import StreamToChat
from inference.wire.translate.stream_to_messages import StreamToMessages
from inference.wire.translate.stream_to_responses import StreamToResponses

Json = dict[str, Any]

_MOST_UNASKED_TOKENS: Final = 8192
"""What a model may write when a request sets no limit, on a wire that requires one."""


class Translator(Protocol):
    """Turns the events of one stream into another wire's. `broken` names the first thing that cannot be said there."""

    @property
    def broken(self) -> str | None: ...

    def feed(self, event: bytes) -> list[bytes]: ...


class Step(Protocol):
    """One wire as another, for one call."""

    def ask(self, body: Mapping[str, Any], model: Model) -> Json | Untranslatable:
        """The request as the other wire says it."""

    def answer(self, raw: bytes) -> bytes | Untranslatable:
        """A whole answer of the other wire as this one says it."""

    def events(self) -> Translator:
        """For the one stream of this call."""

    def name_of(self, param: str) -> str:
        """What a field of the other wire's request is called in this one's."""


class ChatThroughMessages:
    def __init__(self) -> None:
        self._created = int(time.time())

    def ask(self, body: Mapping[str, Any], model: Model) -> Json | Untranslatable:
        limit = min(model.max_output_tokens, _MOST_UNASKED_TOKENS)
        return to_messages(body, accepted=model.capabilities, default_max_tokens=limit)

    def answer(self, raw: bytes) -> bytes | Untranslatable:
        return answer_to_chat(raw, created=self._created)

    def events(self) -> Translator:
        return StreamToChat(created=self._created, include_usage=True)

    def name_of(self, param: str) -> str:
        return param


class MessagesThroughChat:
    def ask(self, body: Mapping[str, Any], model: Model) -> Json | Untranslatable:
        return to_chat(body, accepted=model.capabilities, limit_field="max_tokens")

    def answer(self, raw: bytes) -> bytes | Untranslatable:
        return answer_to_messages(raw)

    def events(self) -> Translator:
        return StreamToMessages()

    def name_of(self, param: str) -> str:
        return param


_RESPONSES_NAMES: Final = {
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "max_completion_tokens": "max_output_tokens",
}


class ResponsesThroughChat:
    def __init__(self) -> None:
        self._created = int(time.time())
        self._request: Mapping[str, Any] = {}

    def ask(self, body: Mapping[str, Any], model: Model) -> Json | Untranslatable:
        self._request = body
        return responses_to_chat(body, accepted=model.capabilities)

    def answer(self, raw: bytes) -> bytes | Untranslatable:
        return answer_to_responses(raw, self._request, created=self._created)

    def events(self) -> Translator:
        return StreamToResponses(self._request, created=self._created)

    def name_of(self, param: str) -> str:
        """Items and messages are not numbered alike, so a message is named by the field that holds them all."""
        first = param.split("[", maxsplit=1)[0].split(".", maxsplit=1)[0]
        return _RESPONSES_NAMES.get(first, param)


class ChatThroughResponses:
    def ask(self, body: Mapping[str, Any], model: Model) -> Json | Untranslatable:  # noqa: ARG002 - as every step
        return chat_to_responses(body)

    def answer(self, raw: bytes) -> bytes | Untranslatable:
        return response_to_chat(raw)

    def events(self) -> Translator:
        return ResponsesToChat()

    def name_of(self, param: str) -> str:
        return param


_WAYS: Final[dict[tuple[Wire, Wire], tuple[Callable[[], Step], ...]]] = {
    (Wire.CHAT, Wire.MESSAGES): (ChatThroughMessages,),
    (Wire.MESSAGES, Wire.CHAT): (MessagesThroughChat,),
    (Wire.CHAT, Wire.RESPONSES): (ChatThroughResponses,),
    (Wire.MESSAGES, Wire.RESPONSES): (MessagesThroughChat, ChatThroughResponses),
    (Wire.RESPONSES, Wire.CHAT): (ResponsesThroughChat,),
    (Wire.RESPONSES, Wire.MESSAGES): (ResponsesThroughChat, ChatThroughMessages),
}


class Way:
    """All the steps of one call."""

    def __init__(self, caller: Wire, model: Wire) -> None:
        self._steps = [step() for step in _WAYS[caller, model]]

    def ask(self, body: Mapping[str, Any], model: Model) -> Json | Untranslatable:
        """The request in the model's wire; what cannot be said is named as the caller named it."""
        said: Json | Untranslatable = dict(body)
        for index, step in enumerate(self._steps):
            assert not isinstance(said, Untranslatable), "a refusal is returned at once"
            said = step.ask(said, model)
            if isinstance(said, Untranslatable):
                return _renamed(said, self._steps[:index])
        return said

    def answer(self, raw: bytes) -> bytes | Untranslatable:
        """A whole answer in the caller's wire."""
        said: bytes | Untranslatable = raw
        for step in reversed(self._steps):
            if isinstance(said, Untranslatable):
                return said
            said = step.answer(said)
        return said

    def events(self) -> Translator:
        """The translator of the one stream of this call."""
        return _Chain([step.events() for step in reversed(self._steps)])


def _renamed(refusal: Untranslatable, steps: list[Step]) -> Untranslatable:
    param = refusal.param
    for step in reversed(steps):
        param = step.name_of(param)
    return Untranslatable(param, refusal.message.replace(f"'{refusal.param}'", f"'{param}'"))


class _Chain:
    """Several translators, each taking what the one before it says."""

    def __init__(self, translators: list[Translator]) -> None:
        self._translators = translators

    @property
    def broken(self) -> str | None:
        return next((said for translator in self._translators if (said := translator.broken)), None)

    def feed(self, event: bytes) -> list[bytes]:
        events = [event]
        for translator in self._translators:
            events = [said for given in events for said in translator.feed(given)]
        return events
