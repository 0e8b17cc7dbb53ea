"""What of a predicted answer came true. The rest was made all the same, and is charged as output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from inference.simulator import tokens


def predicted(prediction: Mapping[str, Any] | None, answers: Iterable[str]) -> tuple[int, int]:
    """Tokens accepted and tokens rejected over all answers: a prediction holds as far as an answer begins like it."""
    if prediction is None:
        return 0, 0
    guess = tokens.encode(_text(prediction.get("content")))
    accepted = rejected = 0
    for answer in answers:
        held = 0
        for one, other in zip(guess, tokens.encode(answer), strict=False):
            if one != other:
                break
            held += 1
        accepted, rejected = accepted + held, rejected + len(guess) - held
    return accepted, rejected


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
