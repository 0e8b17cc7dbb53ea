"""`manage.py fidelity`: how often T2 answers rightly, wrongly and not at all, on labelled questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from caching.calibration import DEFAULT_TARGET
from caching.domain import EmbeddingError
from caching.embeddings.local import LocalEmbedder
from caching.fidelity import measure
from caching.labelled import LabelledFileError, read_labelled
from caching.measurement import Measurement, Shares, summarize, to_json

SAMPLES = Path(__file__).parents[2] / "samples"


class Command(BaseCommand):
    help = (
        "Measure the semantic cache on labelled pairs, rephrasings or streams (JSON lines); without a file, on a sample"
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a,b,same; origin,similar; text,intent")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--target", type=float, default=DEFAULT_TARGET, help="the error rate that streams are calibrated to"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        target: float = options["target"]
        if not 0 < target < 1:
            raise CommandError("--target is a share between 0 and 1")
        files: list[Path] = options["files"] or sorted(SAMPLES.glob("*.jsonl"))
        embedder = LocalEmbedder()
        try:
            labelled = [read_labelled(path) for path in files]
            asked = [one for file in labelled for one in measure(file, embedder, target=target)]
        except (LabelledFileError, EmbeddingError) as error:
            raise CommandError(str(error)) from error
        finally:
            embedder.close()
        measurement = summarize(asked)
        if options["json"]:
            self.stdout.write(to_json(measurement))
        else:
            console = Console(width=120)
            with console.capture() as printed:
                console.print(_table(measurement))
            self.stdout.write(printed.get())


def _table(measurement: Measurement) -> Table:
    latency = f"{measurement.p50_ms:.1f} ms, 95 % within {measurement.p95_ms:.1f} ms"
    table = Table(title="Semantic cache", caption=f"a question takes {latency}")
    for heading in ("", "rows", "precision", "recall", "false accepts", "hits", "errors"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, shares in measurement.by_category.items():
        table.add_row(name, *_cells(shares))
    table.add_section()
    table.add_row("all", *_cells(measurement.total), style="bold")
    return table


def _cells(shares: Shares) -> list[str]:
    figures = (shares.precision, shares.recall, shares.false_accept_rate, shares.hit_rate, shares.error_rate)
    return [f"{shares.rows:,}", *("–" if figure is None else f"{figure:.1%}" for figure in figures)]
