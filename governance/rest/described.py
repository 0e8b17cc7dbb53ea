"""What OpenAPI says of a management route. The framework's views take and answer anything; here they say what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rest_framework import serializers

F = TypeVar("F", bound=Callable[..., Any])
Serializer = type[serializers.BaseSerializer[Any]]


@dataclass(frozen=True, slots=True)
class Described:
    """`answers` maps a status to its serializer, or to None for an answer without a body. With `listed` the rows stand
    in `data`. `refuses` are the statuses that not every route has; `example` is a body that is accepted."""

    summary: str
    answers: Mapping[int, Serializer | None]
    takes: Serializer | None = None
    listed: bool = False
    refuses: tuple[int, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)


_OF = "described"


def described(
    summary: str,
    *,
    answers: Mapping[int, Serializer | None],
    takes: Serializer | None = None,
    listed: bool = False,
    refuses: tuple[int, ...] = (),
    example: Mapping[str, Any] | None = None,
) -> Callable[[F], F]:
    """Marks a view's method."""
    description = Described(summary, answers, takes, listed, refuses, example or {})

    def mark(method: F) -> F:
        setattr(method, _OF, description)
        return method

    return mark


def description_of(method: Callable[..., Any]) -> Described | None:
    """What a view's method says of itself."""
    found: Described | None = getattr(method, _OF, None)
    return found
