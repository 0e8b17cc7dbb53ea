"""What a caller asks of Asahi through `x-asahi-*` headers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from inference.domain import CacheMode, Controls, QualityPreference, RoutingMode

E = TypeVar("E", bound=StrEnum)

AUTOMATIC_MODELS = frozenset({"asahi", "asahi/auto"})
_MAX_TAGS, _MAX_TAG_LENGTH, _MAX_NAME_LENGTH = 10, 100, 200


class InvalidControl(ValueError):  # noqa: N818 - named as the refusal it becomes
    """A header or field that cannot be understood. `name` is as the caller wrote it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


def read_controls(headers: Mapping[str, str], model: str | None, default_mode: RoutingMode) -> Controls:
    """The controls in a request's headers, as WSGI-style keys. Raises InvalidControl naming the header."""
    quality_bar, preference = _read_quality(headers.get("HTTP_X_ASAHI_QUALITY"))
    return Controls(
        routing_mode=_read_mode(headers.get("HTTP_X_ASAHI_ROUTING"), model, default_mode),
        cache=_read_cache(headers),
        quality_bar=quality_bar,
        quality_preference=preference,
        latency_budget_ms=_read_latency(headers.get("HTTP_X_ASAHI_LATENCY_MS")),
        max_cost_nano=read_usd("x-asahi-max-cost", headers.get("HTTP_X_ASAHI_MAX_COST")),
        candidates=_read_list("x-asahi-candidates", headers.get("HTTP_X_ASAHI_CANDIDATES"), limit=50),
        end_user=read_name("x-asahi-user", headers.get("HTTP_X_ASAHI_USER", "")),
        tags=read_tags("x-asahi-tags", headers.get("HTTP_X_ASAHI_TAGS")),
        document_id=read_name("x-asahi-document", headers.get("HTTP_X_ASAHI_DOCUMENT", "")),
    )


def mode_for(name: str, wanted: RoutingMode | None, model: str | None, default: RoutingMode) -> RoutingMode:
    """The routing mode: a model named is explicit, and asking for both a model and a choice is a contradiction."""
    if wanted is None:
        return RoutingMode.EXPLICIT if model is not None else default
    if wanted is RoutingMode.EXPLICIT and model is None:
        raise InvalidControl(name, "'explicit' needs a model to be named")
    if wanted is not RoutingMode.EXPLICIT and model is not None:
        raise InvalidControl(name, f"'{wanted.value}' chooses the model, but '{model}' was named; use model 'asahi'")
    return wanted


def read_usd(name: str, text: str | None) -> int | None:
    """An amount in USD as nano-USD, rounded down; None when not given."""
    if text is None:
        return None
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        raise InvalidControl(name, "must be an amount in USD, such as 0.002") from None
    if not amount.is_finite() or not 0 <= amount <= 1_000_000:
        raise InvalidControl(name, "must be between 0 and 1000000 USD")
    return int(amount * 10**9)


def read_tags(name: str, text: str | None) -> tuple[str, ...]:
    """Tags, each once, in the order given."""
    return _read_list(name, text, limit=_MAX_TAGS)


def read_name(name: str, text: str) -> str:
    """A short printable identifier of the caller's own."""
    if len(text) > _MAX_NAME_LENGTH or not text.isprintable():
        raise InvalidControl(name, f"must be at most {_MAX_NAME_LENGTH} printable characters")
    return text


def _read_list(name: str, text: str | None, *, limit: int) -> tuple[str, ...]:
    if not text:
        return ()
    items = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(items) > limit or any(len(item) > _MAX_TAG_LENGTH or not item.isprintable() for item in items):
        raise InvalidControl(name, f"takes at most {limit} printable values of at most {_MAX_TAG_LENGTH} characters")
    return items


def _read_mode(text: str | None, model: str | None, default: RoutingMode) -> RoutingMode:
    wanted = None if text is None else _read_word("x-asahi-routing", text, RoutingMode)
    return mode_for("x-asahi-routing", wanted, model, default)


def _read_cache(headers: Mapping[str, str]) -> CacheMode:
    text = headers.get("HTTP_X_ASAHI_CACHE")
    if text is not None:
        return _read_word("x-asahi-cache", text, CacheMode)
    directives = headers.get("HTTP_CACHE_CONTROL", "").lower()
    return CacheMode.OFF if "no-cache" in directives or "no-store" in directives else CacheMode.ON


def _read_quality(text: str | None) -> tuple[float | None, QualityPreference | None]:
    """A number between 0 and 1, or one of the preference words."""
    if text is None:
        return None, None
    try:
        bar = float(text)
    except ValueError:
        return None, _read_word("x-asahi-quality", text, QualityPreference)
    if not 0 <= bar <= 1:
        raise InvalidControl("x-asahi-quality", "must be between 0 and 1, or one of low, medium, high, max")
    return bar, None


def _read_latency(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 9 and int(text) > 0):
        raise InvalidControl("x-asahi-latency-ms", "must be a whole number of milliseconds above 0")
    return int(text)


def _read_word(name: str, text: str, kind: type[E]) -> E:
    try:
        return kind(text.strip().lower())
    except ValueError:
        words = ", ".join(member.value for member in kind)
        raise InvalidControl(name, f"must be one of {words}") from None


def preference_of(name: str, text: str | None, kind: type[E]) -> E | None:
    """A preference word of the native call."""
    return None if text is None else _read_word(name, text, kind)
