"""What kind of answer a question wants: a person, a time, a place, a reason, an amount, a manner, a yes or no."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache


class Wants(StrEnum):
    """The kind of an answer. ANY: the form does not say it (`what`, `which`, a statement, a command)."""

    PERSON = "who"
    TIME = "when"
    PLACE = "where"
    REASON = "why"
    MANNER = "how"
    AMOUNT = "how much"
    DURATION = "how long"
    FREQUENCY = "how often"
    DEFINITION = "what is"
    YES_NO = "yes or no"
    ANY = "what"


_POLITE = re.compile(
    r"^\W*(?:(?:hi|hello|hey|please|so|ok|okay|and|but|also|well|now)\W+)*"
    r"(?:(?:can|could|would|will) (?:you|someone|anyone|somebody) (?:please )?(?:tell|explain to|show|let|help"
    r"|advise) ?"
    r"(?:me|us)?(?: know| understand)?\W+|(?:please )?(?:tell|explain to|show) (?:me|us)\W+"
    r"|(?:do|does) (?:you|anyone|anybody|someone) know\W+|i(?:'d| would)? (?:want|like|need) to know\W+"
    r"|i wonder\W+|i am wondering\W+|any idea\W+)?",
    re.IGNORECASE,
)
_FORMS = (
    (Wants.DURATION, re.compile(r"(?:for )?how long\b|how many (?:\w+ )?(?:days|hours|weeks|months|years|minutes)\b")),
    (Wants.FREQUENCY, re.compile(r"how (?:often|frequently)\b")),
    (Wants.AMOUNT, re.compile(r"how (?:many|much|big|large|far|old|tall|high|low|deep|heavy|fast)\b")),
    (Wants.AMOUNT, re.compile(r"what (?:amount|number|percentage|age|price)\b")),
    (Wants.REASON, re.compile(r"why\b|how come\b|for what reason\b|what (?:causes|caused|makes)\b")),
    (Wants.REASON, re.compile(r"what (?:is|are|was|were) the (?:\w+ )?(?:reasons?|causes?)\b")),
    (Wants.TIME, re.compile(r"(?:since )?when\b|(?:at |on |in )?(?:what|which) (?:time|date|day|year|month)\b")),
    (Wants.PLACE, re.compile(r"where\b|(?:in )?(?:what|which) (?:place|city|country|location|town|state)\b")),
    (Wants.PERSON, re.compile(r"who\b|whom\b|whose\b|(?:what|which) (?:person|man|woman|actor|actress|author)\b")),
    (Wants.MANNER, re.compile(r"how\b|ways? (?:to|of)\b|steps? to\b|what (?:is|are) the (?:\w+ )?(?:ways?|steps)\b")),
    (
        Wants.DEFINITION,
        re.compile(r"what (?:is|are|does|do)\b.*\b(?:mean|meaning|definition)\b|define\b|definition of\b"),
    ),
)
_AUXILIARY = re.compile(
    r"^(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|should|shall|may|might|must)\b",
    re.IGNORECASE,
)
_THEN_WHAT = re.compile(r"\bwhat (?:should|can|could|must|do) (?:i|we|you) do\W*$")
_OPENING = re.compile(
    r"(?:^|[.,?!;:]\s*|\b(?:know|understand|tell me|explain|out) )(?P<form>(?:who|whom|whose|when|where|why|how"
    r"|what|which|since|for|steps?|ways?|define|definition)\b)"
)


@lru_cache(maxsize=8192)
def wants(text: str) -> Wants:
    """What `text` asks for, by the first question in it that says so."""
    plain = _POLITE.sub("", text.lower().replace("’", "'").replace("'s ", " is "), count=1)
    if _AUXILIARY.match(plain):
        return Wants.YES_NO
    if _THEN_WHAT.search(plain):
        return Wants.MANNER
    opening = _OPENING.search(plain)
    plain = plain[opening.start("form") :] if opening else ""
    return next((kind for kind, form in _FORMS if form.match(plain)), Wants.ANY)


_APART = (
    {Wants.PERSON, Wants.TIME, Wants.PLACE, Wants.REASON, Wants.MANNER, Wants.AMOUNT},
    {Wants.PERSON, Wants.PLACE, Wants.REASON, Wants.DURATION},
    {Wants.PERSON, Wants.PLACE, Wants.REASON, Wants.FREQUENCY},
    {Wants.MANNER, Wants.DURATION},
    {Wants.YES_NO, Wants.PERSON, Wants.TIME, Wants.PLACE, Wants.REASON},
    {Wants.DEFINITION, Wants.PERSON, Wants.TIME, Wants.PLACE, Wants.REASON, Wants.MANNER},
)


def are_apart(one: Wants, other: Wants) -> bool:
    """Whether no answer to one can be an answer to the other."""
    return one is not other and any(one in group and other in group for group in _APART)
