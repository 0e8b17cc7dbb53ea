"""`manage.py prices`: what models cost and when, what a request should have cost, what a newer table would change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.receipts import find_for_operator
from inference import catalog, price_review
from inference.pricing import PriceError
from inference.pricing.table import Table, TableError, approve, approved_table, installed_table, other_table
from inference.registry import RegistryError


class Command(BaseCommand):
    help = "Show prices, recompute a bill, compare price tables, approve the rates of the one installed."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        show = actions.add_parser("show", help="all prices of a model, past and announced")
        show.add_argument("model")
        show.add_argument("--at", type=_moment, help="only those of this day or moment (ISO 8601, UTC)")
        reprice = actions.add_parser("reprice", help="a request's bill as stored, and recomputed for its time")
        reprice.add_argument("request_id")
        diff = actions.add_parser("diff", help="what a newer price table changes for the registered models")
        diff.add_argument("--against", type=Path, help="a wheel of genai-prices, or a directory with the package;"
                          " default: the installed one, compared with what was approved")  # fmt: skip
        actions.add_parser("approve", help="take the rates of the installed table for right")

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"_{action}")(options)
        except (TableError, PriceError, RegistryError) as error:
            raise CommandError(str(error)) from error

    def _show(self, options: dict[str, Any]) -> None:
        model = catalog.registry().find(options["model"])
        if model is None:
            raise CommandError(f"{options['model']} is not a registered model")
        self._write(price_review.model_lines(catalog.price_book(), model, options["at"]))

    def _reprice(self, options: dict[str, Any]) -> None:
        receipt = find_for_operator(options["request_id"])
        if receipt is None:
            raise CommandError(f"{options['request_id']} is not in the ledger")
        lines, agrees = price_review.repriced_lines(catalog.price_book(), catalog.registry(), receipt)
        self._write(lines)
        if not agrees:
            raise CommandError("the stored and the recomputed amounts differ")

    def _diff(self, options: dict[str, Any]) -> None:
        installed = installed_table(catalog.models_path())
        if options["against"] is not None:
            old, new = installed, other_table(options["against"], catalog.models_path())
        else:
            old, new = self._approved(), installed
        self._write(price_review.changed_lines(old, new))

    def _approve(self, _: dict[str, Any]) -> None:
        installed = installed_table(catalog.models_path())
        approve(installed, catalog.approved_path(), datetime.now(UTC).date())
        self.stdout.write(
            f"approved the rates of genai-prices {installed.version} for {len(installed.models)} models: "
            f"commit {catalog.approved_path().name}"
        )

    def _approved(self) -> Table:
        table = approved_table(catalog.approved_path())
        if table is None:
            raise CommandError("no rates were approved yet: `manage.py prices approve`")
        return table

    def _write(self, lines: list[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
