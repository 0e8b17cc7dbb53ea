"""The vocabulary in which each wire's table says what becomes of every field of a request.

A table names *shapes*: `""` is the request itself, `slot:type` an object that is told by its `type` (or its `role`)
where it stands, such as `content:image`, and `shape.field` one that is not. The tables name every field that the
vendors' own clients can send; a test holds them to that, and the code to the tables. A field that no table names is
the provider's: it is sent on as it is, and no translation can say it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Here(StrEnum):
    """What Asahi does with a field that goes to a model of the same wire."""

    ACTS = "acts on it, and says it to the provider in its own way"
    FORWARDS = "sends it on unchanged"
    REFUSES = "refuses it by name"
    NEEDS_OWN_KEY = "refuses it by name, unless the organization calls with its own provider key"
    HEADER = "is no part of the body: the clients send it as a header"


class There(StrEnum):
    """What becomes of a field when the request is translated into the other wire."""

    SAID = "is said in the other wire"
    LEFT_OUT = "is left out: it is no part of what is asked"
    REFUSED = "is refused by name"
    AS_ITS_OWNER = "is decided with what it belongs to"


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of one field. `why` says it of every refusal and of what is left out.

    `when` narrows what is refused here, `neutral` says as much as leaving the field out, `unsayable` is refused in a
    translation although other values are said: each holds values, and `when` may hold types. A field that does not
    `steer` cannot change what is answered, and is no part of the canonical request.
    """

    here: Here
    there: There
    why: str = ""
    when: tuple[Any, ...] = (object,)
    neutral: tuple[Any, ...] = ()
    unsayable: tuple[Any, ...] = ()
    steers: bool = True

    def refuses(self, value: Any) -> bool:
        """Whether a value is refused on its own wire when organizations share the provider's account."""
        if self.here not in (Here.REFUSES, Here.NEEDS_OWN_KEY) or value is None:
            return False
        return any(isinstance(value, w) if isinstance(w, type) else value == w for w in self.when)


Fields = Mapping[str, Rule]
Table = Mapping[str, Fields]

CACHE_MARKS = ("cache_control", "prompt_cache_breakpoint")
"""Fields of blocks and tools that say where a prefix is to be cached."""

SAID = Rule(Here.FORWARDS, There.SAID)
WITHIN = Rule(Here.FORWARDS, There.AS_ITS_OWNER)
UNSAYABLE = Rule(Here.FORWARDS, There.REFUSED, "the other wire has no equivalent")
CACHING_HINT = Rule(
    Here.FORWARDS, There.LEFT_OUT, "where a provider caches a prefix does not change the answer", steers=False
)
"""Rules that many fields share."""


def fields(names: str, rule: Rule) -> dict[str, Rule]:
    """The same rule for several fields, their names separated by spaces."""
    return dict.fromkeys(names.split(), rule)


def unsayable(*neutral: Any, why: str = UNSAYABLE.why, unsaid: bool = True) -> Rule:
    """Sent on as it is; refused in a translation unless it says nothing."""
    return replace(UNSAYABLE, neutral=neutral, why=why, there=There.REFUSED if unsaid else There.SAID)


def left_out(why: str, *, steers: bool = True) -> Rule:
    return Rule(Here.FORWARDS, There.LEFT_OUT, why, steers=steers)


def unsayable_kind(names: str, why: str = UNSAYABLE.why) -> dict[str, Rule]:
    """The fields of a kind of object that is refused in a translation as a whole, by its `type`."""
    marks = {name: replace(WITHIN, steers=False) for name in CACHE_MARKS if name in names.split()}
    return {"type": replace(UNSAYABLE, why=why), **fields(names, WITHIN), **marks}


def neutral_values(table: Table) -> dict[str, Collection[Any]]:
    """The top-level fields with a default that says nothing."""
    return {name: rule.neutral for name, rule in table[""].items() if rule.neutral}


def crossing(table: Table) -> frozenset[str]:
    """The top-level fields that a translation says, or may leave out."""
    return frozenset(
        name
        for name, rule in table[""].items()
        if rule.there in (There.SAID, There.LEFT_OUT) and rule.here is not Here.HEADER
    )


def telling(table: Table, body: Mapping[str, Any]) -> dict[str, Any]:
    """The top-level fields of a request that a translation cannot pass over: not those it could not say but that say
    nothing."""
    silent = {name: rule.neutral for name, rule in table[""].items() if rule.there is There.REFUSED}
    return {name: value for name, value in body.items() if value not in silent.get(name, ())}


def not_steering(table: Table) -> frozenset[str]:
    """The top-level fields that cannot change what is answered."""
    return frozenset(name for name, rule in table[""].items() if not rule.steers)
