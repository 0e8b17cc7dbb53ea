"""Prices as lines of text, for whoever reviews them at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from analytics.receipts import Receipt
from inference.domain import PRICED_SERVICES, Model
from inference.pricing import PriceBook
from inference.pricing.rates import FEES
from inference.pricing.table import STANDARD, Table
from inference.pricing.tariff import Tariff
from inference.pricing.timetable import Change, Period, changes, timetable_of, usd, written
from inference.registry import Registry
from inference.repricing import Repriced, billed_at, reprice


def model_lines(prices: PriceBook, model: Model, at: datetime | None) -> list[str]:
    """Every period of every service, or what holds at a moment."""
    lines = [f"{model.id} of {model.provider}, by {prices.version} (USD per million tokens, per thousand searches)"]
    for service in ("", *sorted(PRICED_SERVICES)):
        name = service or STANDARD
        if at is not None:
            lines += [f"  {name:9} {text}" for text in _tariff_lines(prices.tariff(model, at, service))]
            continue
        timetable = timetable_of(prices.schedule(model, service))
        if not service or timetable != timetable_of(prices.schedule(model)):
            lines += [f"  {name:9} {text}" for period in timetable for text in _period_lines(period)]
    return lines


def changed_lines(old: Table, new: Table) -> list[str]:
    """What the new table changes for each model, from when, and by how much."""
    lines = [f"genai-prices {old.version} -> {new.version}"]
    for name in sorted(old.models.keys() | new.models.keys()):
        lines += model_changes(name, old, new)
    return lines if len(lines) > 1 else [*lines, "  no rate of a registered model changes"]


def model_changes(name: str, old: Table, new: Table) -> list[str]:
    """Empty when no rate of this model differs."""
    if name not in new.models:
        return [f"  {name}: no longer in the table"]
    if name not in old.models:
        return [f"  {name}: new in the table"]
    return [f"  {name}: {_change_line(change)}" for change in changes(old.models[name], new.models[name])]


def repriced_lines(prices: PriceBook, registry: Registry, receipt: Receipt) -> tuple[list[str], bool]:
    """A request's amounts as the ledger has them and as the book has them, and whether they agree."""
    row = receipt.latest
    bill: dict[str, Any] | None = row.receipt.get("bill")
    head = f"{receipt.request_id}: {row.kind}, {row.model}, billed by {row.price_version}"
    if bill is None:
        return [f"{head}; nothing says what its amounts are the sum of (an estimate, or an old row)"], True
    lines, agrees = [f"{head}, recomputed by {prices.version} for {billed_at(bill).isoformat()}"], True
    for label, column, name, original in _AMOUNTS:
        model, stored = registry.find(getattr(row, name)), receipt.net(column)
        if model is None:
            lines.append(f"  {label}: {getattr(row, name) or 'the model'} is no longer registered")
        elif stored or bill["lines"]:
            result = reprice(prices, model, bill, stored=stored, original=original)
            agrees = agrees and result.stored == result.recomputed
            lines += _repriced(label, result)
    return lines, agrees


_AMOUNTS = (("cost", "cost_nano", "model", False), ("original cost", "original_cost_nano", "baseline_model", True))


def _repriced(label: str, result: Repriced) -> Iterator[str]:
    verdict = "equal" if result.stored == result.recomputed else "DIFFERENT"
    yield f"  {label} at {result.model} {result.service or STANDARD}: stored {_exact(result.stored)}, recomputed {_exact(result.recomputed)}: {verdict}"  # noqa: E501
    for (kind, count, stored), (_, _, rate) in zip(result.stored_lines, result.lines, strict=True):
        other = "" if stored == rate else f", recomputed at {usd(rate, kind)}"
        yield f"    {count:>12,} {kind:16} at {usd(stored, kind)}{other}"


def _exact(nano: int) -> str:
    return f"${Decimal(nano).scaleb(-9):.9f}"


def _period_lines(period: Period) -> list[str]:
    since = period.starts_on.isoformat() if period.starts_on else "always"
    hour = f" from {period.starts_at:%H:%M}" if period.starts_at.isoformat() != "00:00:00" else ""
    return [f"{since}{hour}: {text}" for text in _tariff_lines(period.tariff)]


def _tariff_lines(tariff: Tariff) -> list[str]:
    (period,) = written((Period(None, datetime.min.replace(tzinfo=UTC).time(), tariff),))
    return [", ".join(f"{kind} {rate}" for kind, rate in rates.items()) for rates in period["rates"]]


def _change_line(change: Change) -> str:
    since = change.starts_on.isoformat() if change.starts_on else "always"
    until = f" until {change.ends_on.isoformat()}" if change.ends_on else ""
    hour = f" at {change.starts_at:%H:%M}" if change.starts_at.isoformat() != "00:00:00" else ""
    above = f" above {change.above:,} tokens" if change.above else ""
    percent = "new" if change.percent is None else f"{change.percent:+.1f} %"
    unit = "per thousand" if change.kind in FEES else "per million"
    return (
        f"{change.service or STANDARD} {change.kind}{above} {usd(change.old, change.kind)} -> "
        f"{usd(change.new, change.kind)} {unit} ({percent}), {since}{hour}{until}"
    )
