"""Saying by name what one wire can express and the other cannot. Nothing of a request is dropped in silence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class Untranslatable:
    """What has no equivalent on the other wire. `param` is the JSON path of the field, such as `tools[0].type`."""

    param: str
    message: str


class UntranslatableError(Exception):
    """Carries a refusal from deep inside a translation to its door, which returns it as a value."""

    def __init__(self, refusal: Untranslatable) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def refusing(translate: Callable[[], dict[str, Any]]) -> dict[str, Any] | Untranslatable:
    """The door of a request's translation. What no check has looked at may have any shape: then it is refused, too."""
    try:
        return translate()
    except UntranslatableError as error:
        return error.refusal
    except (KeyError, TypeError, AttributeError):
        return Untranslatable("body", "The request is not shaped as its wire says and cannot be sent to this model.")


def refuse(param: str, why: str) -> NoReturn:
    raise UntranslatableError(Untranslatable(param, f"'{param}' cannot be sent to this model: {why}."))


def refuse_answer(param: str, why: str) -> NoReturn:
    raise UntranslatableError(Untranslatable(param, f"'{param}' of the answer cannot be given to the caller: {why}."))


def refuse_others(fields: Mapping[str, Any], known: Collection[str], at: str = "") -> None:
    """Refuses the first field that is not known; null and empty ones say nothing and are passed over."""
    for name, value in fields.items():
        if name not in known and value not in (None, "", [], {}, False):
            refuse(f"{at}.{name}" if at else name, "its provider has no equivalent of this field")


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without the fields that are null, which mean the same as absent ones."""
    return {name: value for name, value in fields.items() if value is not None}
