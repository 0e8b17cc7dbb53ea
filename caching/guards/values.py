"""Guards over what must be equal to the letter: numbers and units, identifiers, addresses, code, quotations."""

from __future__ import annotations

import re

from caching.guards.alignment import Alignment
from caching.guards.lexicon import lexicon
from caching.guards.reading import Kind, Reading

_ADDRESS = re.compile(r"https?://\S+|(?<![\w./])/(?:[\w.-]+/)+[\w.-]+")
"""Of a page, or a path of at least two parts. A single slash joins words: `and/or`."""


def different_numbers(alignment: Alignment) -> str | None:
    """Fires on figures that only one side has, and on other number words: `thousands` may go unsaid, 1,000 may not."""
    cached, asked = _numbers(alignment.cached), _numbers(alignment.asked)
    alone = cached ^ asked
    if not alone or (alone.isdisjoint(_figures(alignment)) and not (cached - asked and asked - cached)):
        return None
    return f"{_shown(cached - asked)} / {_shown(asked - cached)}"


def different_units(alignment: Alignment) -> str | None:
    """Fires when the same number counts something else: 5 kg and 5 lb, 2 am and 2 pm."""
    cached, asked = _units(alignment.cached), _units(alignment.asked)
    for value, unit in cached.items():
        other = asked.get(value)
        if unit and other and unit != other:
            return f"{unit} / {other}"
    return None


def different_identifiers(alignment: Alignment) -> str | None:
    """Fires on case numbers, versions, dates and the like that are not on both sides."""
    cached, asked = _identifiers(alignment.cached), _identifiers(alignment.asked)
    if cached == asked:
        return None
    return f"{', '.join(sorted(cached - asked)) or 'none'} / {', '.join(sorted(asked - cached)) or 'none'}"


def different_code(alignment: Alignment) -> str | None:
    """Fires on names of code that the other side does not have anywhere."""
    missing = [name for name in alignment.cached.code if name.lower() not in alignment.asked.text.lower()]
    missing += [name for name in alignment.asked.code if name.lower() not in alignment.cached.text.lower()]
    return missing[0] if missing else None


def different_addresses(alignment: Alignment) -> str | None:
    """Fires on an address of a page or a path that is not on both sides."""
    cached, asked = _addresses(alignment.cached), _addresses(alignment.asked)
    return None if cached == asked else min(cached ^ asked)[:60]


def different_quotations(alignment: Alignment) -> str | None:
    """Fires on a quotation whose words the other side does not have, quoted or not."""
    for own, other in ((alignment.cached, alignment.asked), (alignment.asked, alignment.cached)):
        lowered = " ".join(other.text.lower().split())
        for quotation in own.quoted:
            if quotation not in lowered:
                return f"“{quotation[:40]}”"
    return None


def _addresses(reading: Reading) -> frozenset[str]:
    return frozenset(found.rstrip(".,;:!?)") for found in _ADDRESS.findall(reading.text.lower()))


def _numbers(reading: Reading) -> frozenset[float]:
    return frozenset(token.value for token in reading.tokens if token.value is not None)


def _figures(alignment: Alignment) -> frozenset[float]:
    """The numbers that are written in digits."""
    tokens = alignment.cached.tokens + alignment.asked.tokens
    return frozenset(token.value for token in tokens if token.value is not None and not token.lower.isalpha())


def _identifiers(reading: Reading) -> frozenset[str]:
    return frozenset(
        re.sub(r"^v(?=\d)|-", "", token.lower) for token in reading.tokens if token.kind is Kind.IDENTIFIER
    )


def _units(reading: Reading) -> dict[float, str]:
    """The unit beside each number: behind it, or a sign of currency before it."""
    units = {}
    for place, token in enumerate(reading.tokens):
        if token.value is None:
            continue
        behind = reading.tokens[place + 1] if place + 1 < len(reading.tokens) else None
        attached = token.lower.lstrip("$€£₹#0123456789,.")
        if token.lower[0] in "$€£₹":
            units[token.value] = token.lower[0]
        elif attached in lexicon().units:
            units[token.value] = attached
        elif behind is not None and behind.stem in lexicon().units:
            units[token.value] = behind.stem
    return units


def _shown(numbers: frozenset[float]) -> str:
    return ", ".join(f"{number:g}" for number in sorted(numbers)) or "none"
