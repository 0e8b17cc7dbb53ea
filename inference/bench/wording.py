"""Questions in several wordings, for T2: none is another's to the letter, and each wants the same answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import msgspec

from inference.bench import wire

_WISHES = (
    "export my report as a spreadsheet", "invite a colleague to my workspace", "change the language of the app",
    "connect my calendar to the app", "turn on two-factor authentication", "download an old invoice",
    "add a second payment method", "restore a deleted file", "share a folder with my team",
    "print a page without the header", "mute the notifications of a channel", "rename a project",
    "sort the list by date", "import contacts from another account", "set up a mail filter",
    "recover my account without my phone",
)  # fmt: skip
_FIRST = "How do I {}?"
_AGAIN = ("How can I {}?", "How would I {}?", "How do you {}?", "Please tell me how to {}.")


def first_wordings() -> list[str]:
    return [_FIRST.format(wish) for wish in _WISHES]


def other_wordings() -> Iterator[str]:
    """Without end; the same again only after all others."""
    return cycle([again.format(wish) for again in _AGAIN for wish in _WISHES])


def of_the_last() -> Iterator[str]:
    """Other wordings of the last question, without end: one may have been picked to be checked with the provider."""
    return cycle([again.format(_WISHES[-1]) for again in _AGAIN])


def body_of(model: str, question: str) -> bytes:
    """A chat request with the system prompt of every scenario."""
    messages = [{"role": "system", "content": wire.SYSTEM_PROMPT}, {"role": "user", "content": question}]
    return msgspec.json.encode({"model": model, "messages": messages, "max_tokens": wire.ANSWER_TOKENS})
