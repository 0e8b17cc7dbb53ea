"""How long a provider asks to be left alone: in seconds, in milliseconds, or until a date."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_LONGEST_SECONDS = 3600.0


def seconds_to_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """None when it says nothing, or nothing that makes sense. A date that has passed asks for no wait."""
    precise = _number(headers.get("retry-after-ms"))
    if precise is not None:
        return _sensible(precise / 1000)
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    return _sensible(_seconds_until(text, time.time() if now is None else now) if seconds is None else seconds)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _seconds_until(text: str, now: float) -> float | None:
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return None


def _sensible(seconds: float | None) -> float | None:
    return seconds if seconds is not None and 0 <= seconds <= _LONGEST_SECONDS else None
