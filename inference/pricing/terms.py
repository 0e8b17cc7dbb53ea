"""What the models file says of prices, as the price book takes it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from inference.models_file import ProviderEntry
from inference.prices_file import PriceEntry, RatesEntry, ServiceEntry
from inference.pricing.rates import FEES, KINDS, UsdCard
from inference.pricing.schedule import PriceOverride


@dataclass(frozen=True, slots=True)
class ProviderTerms:
    """What holds for all models of a provider.

    `batch_discount` is the share a batch costs less where no batch price is known. `unasked_services` are those that
    an account may be set to, and that a call which names none may therefore be served with.
    """

    batch_discount: Decimal | None = None
    unasked_services: frozenset[str] = frozenset()


NO_TERMS = ProviderTerms()


def terms_of(entry: ProviderEntry) -> ProviderTerms:
    return ProviderTerms(entry.batch_discount, entry.unasked_services)


def override_of(entry: PriceEntry) -> PriceOverride:
    return PriceOverride(
        entry.starts_on,
        entry.ends_on,
        _cards(entry, entry),
        entry.starts_at,
        entry.ends_at,
        tuple((name, _cards(service, entry)) for name, service in sorted(entry.services.items())),
    )


def _cards(entry: ServiceEntry, standard: PriceEntry) -> tuple[UsdCard, ...]:
    """Fees depend neither on a prompt's length nor, unless it is said, on the service."""
    fees = {fee: getattr(standard if getattr(entry, fee) is None else entry, fee) for fee in FEES}
    lengths = sorted(((longer.above, longer) for longer in entry.long_context), key=lambda length: length[0])
    return tuple(UsdCard(above, **_rates(rates) | fees) for above, rates in ((-1, entry), *lengths))


def _rates(entry: RatesEntry) -> dict[str, Any]:
    return {kind: getattr(entry, kind) for kind in KINDS}
