"""`manage.py workflow_eval`: what T3 saves on documents that are asked about again and again, and what it risks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from caching.embeddings.local import LocalEmbedder
from inference import catalog
from inference.domain import Model, Wire
from inference.workflow.evaluation.meetings import Meeting, MeetingsFileError, read_meetings
from inference.workflow.evaluation.passages import evidence_by_budget, steps_left_by_edits
from inference.workflow.evaluation.reuse import measure_reuse
from inference.workflow.evaluation.savings import input_cost

SAMPLE = Path(__file__).parents[2] / "workflow" / "evaluation" / "sample.jsonl"


class Command(BaseCommand):
    help = "Replay questions about documents (QMSum's format, JSON lines) through T3; without a file, on a sample"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, default=SAMPLE, help="meetings with queries and evidence")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--model", default="claude-sonnet-5-5", help="the model that is asked")
        parser.add_argument("--without", nargs="*", default=(), choices=("reuse", "selection"), help="left out")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        model = catalog.registry().find(options["model"])
        if model is None or model.wire is not Wire.MESSAGES:
            raise CommandError("--model names a model of Anthropic's, whose cache goes by marks")
        try:
            meetings = read_meetings(options["file"])
        except MeetingsFileError as error:
            raise CommandError(str(error)) from error
        embedder = LocalEmbedder()
        try:
            figures = measure(meetings, model, embedder, without=options["without"])
        finally:
            embedder.close()
        self.stdout.write(json.dumps(figures) if options["json"] else _table(figures))


def measure(meetings: list[Meeting], model: Model, embedder: LocalEmbedder, *, without: Any = ()) -> dict[str, Any]:
    """All figures; shares are between 0 and 1."""
    prices = catalog.price_book()
    named, unnamed = (asyncio.run(input_cost(meetings, model, prices, named=named)) for named in (True, False))
    figures: dict[str, Any] = {
        "documents": len(meetings),
        "requests": named.requests,
        "requests_per_document": round(named.requests / len(meetings), 2),
        "model": model.id,
        "input_cost_saved": round(named.saved, 4),
        "input_cost_saved_unnamed": round(unnamed.saved, 4),
        "steps_reused_after_edit": round(steps_left_by_edits(meetings), 4),
    }
    if "reuse" not in without:
        reuse = asyncio.run(measure_reuse(meetings, model, prices, embedder))
        figures |= {
            "questions_asked_again": reuse.asked,
            "answered_again": reuse.again,
            "stale": reuse.stale,
            "across_documents": reuse.across_documents,
            "across_organizations": reuse.across_organizations,
        }
    if "selection" not in without:
        figures["selection"] = [
            {"budget": kept.budget, "evidence_kept": round(kept.evidence_kept, 3), "all_kept": round(kept.whole, 3)}
            for kept in evidence_by_budget(meetings, embedder)
        ]
    return figures


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{name.replace('_', ' '):<28} {value}" for name, value in figures.items() if name != "selection"]
    lines += [
        f"reading {row['budget']:.0%} keeps {row['evidence_kept']:.0%} of the evidence"
        for row in figures.get("selection", ())
    ]
    return "\n".join(lines)
