"""How batches and work in the background go: how long they take, and whether they end well."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec


class Ending(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"


class BatchPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`seconds` pass before the lines are done; one that fails or expires has done its first `after_lines` by then.

    Work in the background takes as long.
    """

    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.5
    ending: Ending = Ending.COMPLETED
    after_lines: Annotated[int, msgspec.Meta(ge=0)] = 0
