"""The canonical form of a request: equal for requests that must get the same answer, different for all others.

Keys are sorted, except inside a JSON schema, whose property order the model sees and answers in. Whatever is not known
to be without effect stays in: a needless difference costs a cache hit, a missing one would serve a wrong answer.
Text counts as it is, byte for byte: a model sees other tokens for the same letters in another Unicode form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

_encode_sorted = msgspec.json.Encoder(order="deterministic").encode
_encode = msgspec.json.Encoder().encode
_EXACT_FLOAT = 2.0**53


def settings_of(
    body: Mapping[str, Any], *, known: Collection[str], ignored: Collection[str], neutral: Mapping[str, Collection[Any]]
) -> dict[str, Any]:
    """The top-level fields that count: without the `ignored`, and without those that say what is said by leaving out.

    That is null for every `known` field, and the values in `neutral`. 1.0 becomes 1.
    """
    kept: dict[str, Any] = {}
    for name, value in body.items():
        if name in ignored or (value is None and name in known):
            continue
        if name in neutral and any(_is(value, default) for default in neutral[name]):
            continue
        kept[name] = int(value) if _is_whole(value) else value
    return kept


def _is(value: Any, default: Any) -> bool:
    """Equality that keeps `1` and `True` apart, which Python does not."""
    return bool(value == default) and isinstance(value, bool) == isinstance(default, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_FLOAT


def plain(content: Any) -> Any:
    """A single bare text part is the same as its text."""
    if isinstance(content, list) and len(content) == 1:
        part = content[0]
        if isinstance(part, dict) and len(part) == 2 and part.get("type") == "text" and "text" in part:
            return part["text"]
    return content


def unmarked(held: Any, mark: str) -> Any:
    """Blocks, tools, or one of them, without the marks that say where a prefix is to be cached."""
    if isinstance(held, list):
        return [unmarked(item, mark) for item in held]
    if not isinstance(held, dict):
        return held
    if mark in held:
        held = {name: value for name, value in held.items() if name != mark}
    if held.get("type") == "tool_result" and isinstance(held.get("content"), list):
        return {**held, "content": unmarked(held["content"], mark)}
    return held


def with_plain_content(message: Any, mark: str) -> Any:
    """A message without marks for caching, and its content in the plainest form."""
    if isinstance(message, dict) and isinstance(message.get("content"), list):
        return {**message, "content": plain(unmarked(message["content"], mark))}
    return message


def in_order(owner: Any, *path: str) -> Any:
    """`owner` with the JSON schema at `path` kept in the order it was written in."""
    if not isinstance(owner, dict) or path[0] not in owner:
        return owner
    inner = owner[path[0]]
    kept = in_order(inner, *path[1:]) if len(path) > 1 else msgspec.Raw(_encode(inner))
    return {**owner, path[0]: kept}


def canonical_bytes(fields: Mapping[str, Any]) -> bytes:
    return _encode_sorted(fields)
