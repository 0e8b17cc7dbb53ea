"""What the caches keep of an end user, tier by tier; see `governance.erasure`."""

from __future__ import annotations

from caching.purging import Kind, Selection, purge_tiers
from governance.erasure import Counts, Person, erases


@erases
def erase_answers(person: Person) -> Counts:
    """Also what late comers bring: this is done again when an erasure is."""
    counts = purge_tiers(person.org_id, Selection(Kind.USER, person.end_user, person.asked_by))
    return {f"{tier} answers": count for tier, count in counts.items()}
