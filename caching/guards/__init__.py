"""The veto: differences between two questions after which the answer to one must never be served for the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from caching.guards.alignment import Alignment, align
from caching.guards.edits import inserted_word, replaced_word
from caching.guards.entities import different_names, excluding_words, one_sided_names
from caching.guards.language import different_language
from caching.guards.polarity import turned_meaning
from caching.guards.reading import read
from caching.guards.structure import (
    changed_roles,
    different_connective,
    different_modality,
    different_question,
    different_tense,
    turned_order,
)
from caching.guards.values import (
    different_addresses,
    different_code,
    different_identifiers,
    different_numbers,
    different_quotations,
    different_units,
)

Guard = Callable[[Alignment], str | None]

GUARDS: dict[str, Guard] = {
    "identifier": different_identifiers,
    "number": different_numbers,
    "unit": different_units,
    "address": different_addresses,
    "code": different_code,
    "quotation": different_quotations,
    "polarity": turned_meaning,
    "alternative": excluding_words,
    "name": different_names,
    "replaced name": one_sided_names,
    "order": turned_order,
    "role": changed_roles,
    "connective": different_connective,
    "question type": different_question,
    "tense": different_tense,
    "modality": different_modality,
    "inserted word": inserted_word,
    "replaced word": replaced_word,
    "language": different_language,
}
"""Every guard by its name, in the order in which they are asked: what is surest and cheapest comes first."""


@dataclass(frozen=True, slots=True)
class Veto:
    """A guard that fired, and the difference that it saw."""

    guard: str
    detail: str


def find_veto(alignment: Alignment) -> Veto | None:
    """The first guard that objects."""
    for name, guard in GUARDS.items():
        detail = guard(alignment)
        if detail is not None:
            return Veto(name, detail)
    return None


__all__ = ["GUARDS", "Alignment", "Guard", "Veto", "align", "find_veto", "read"]
