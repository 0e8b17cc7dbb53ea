"""What of a chat request concerns objects that a provider keeps for its account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def stored_objects(body: Mapping[str, Any]) -> Iterator[str]:
    """The JSON paths of the fields that name such an object, or make one.

    Organizations share the deployment's account with a provider: what one has stored there, another could name. With
    its own provider key an organization names only what is its own.
    """
    if body.get("store"):
        yield "store"
    audio = body.get("audio")
    if isinstance(audio, dict) and isinstance(audio.get("voice"), dict):
        yield "audio.voice.id"
    for index, message in enumerate(body["messages"]):
        if message.get("audio"):
            yield f"messages[{index}].audio.id"
        content = message.get("content")
        if isinstance(content, list):
            yield from _files(content, f"messages[{index}].content")


def _files(parts: list[dict[str, Any]], at: str) -> Iterator[str]:
    """Files named by any kind of part, those that providers may add too."""
    for index, part in enumerate(parts):
        if part.get("type") == "text":
            continue
        if part.get("file_id"):
            yield f"{at}[{index}].file_id"
        for name, inner in part.items():
            if isinstance(inner, dict) and inner.get("file_id"):
                yield f"{at}[{index}].{name}.file_id"
