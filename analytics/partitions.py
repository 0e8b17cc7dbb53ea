"""Creates the ledger's monthly partitions ahead of time. Rows of a month without one lie in the default partition."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime

from django.db import IntegrityError, OperationalError, connection, transaction

logger = logging.getLogger(__name__)

MONTHS_AHEAD = 2
_ONE_CREATOR = 0x0A5A_0002


def ensure_partitions(today: date | None = None) -> None:
    """This month's partition and the next two exist after this, unless the log says why not."""
    for first, following in _months(today or datetime.now(UTC).date(), MONTHS_AHEAD + 1):
        try:
            _ensure_month(first, following)
        except IntegrityError:
            # Rows of that month came before their partition. They stay in the default one, and queries find them.
            logger.warning("ledger.month_stays_in_default_partition", extra={"month": f"{first:%Y-%m}"})
        except OperationalError as error:
            # Its lock was not to be had quickly; the next round tries again, months before it is needed.
            logger.warning("ledger.partition_postponed", extra={"month": f"{first:%Y-%m}", "reason": str(error)[:200]})


def _months(day: date, count: int) -> Iterator[tuple[date, date]]:
    first = day.replace(day=1)
    for _ in range(count):
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        yield first, following
        first = following


def _ensure_month(first: date, following: date) -> None:
    name = f"analytics_ledgerentry_y{first:%Y}m{first:%m}"
    with transaction.atomic(), connection.cursor() as cursor:
        # Creating one locks the whole ledger for a moment; a long query in front must not make everybody queue.
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_CREATOR])
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        (exists,) = cursor.fetchone()
        if not exists:
            cursor.execute(
                f"CREATE TABLE {name} PARTITION OF analytics_ledgerentry "
                f"FOR VALUES FROM ('{first} 00:00+00') TO ('{following} 00:00+00')"
            )
            logger.info("ledger.partition_created", extra={"partition": name})
