"""`manage.py replay`: a workload through the running gateway, baseline against optimized."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from inference.catalog import registry
from inference.gateway_client import find_endpoint
from inference.replay import SAMPLES
from inference.replay.progress import ProgressBars
from inference.replay.report import as_json, print_report
from inference.replay.runner import Mode
from inference.replay.session import Outcome, ReplayOptions, ReplayRefusedError, run_replay
from inference.replay.state import StateLockedError
from inference.replay.workload import Stand, WorkloadError

INTERRUPTED = 130


class Command(BaseCommand):
    help = "Send a workload (JSON lines) through the running gateway and report baseline against optimized."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="JSON lines; none: the shipped sample")
        _add_what_to_send(parser)
        _add_where_to_send(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
        parser.add_argument("--receipts", type=_count, default=20, metavar="N", help="stored receipts to compare")
        parser.add_argument("--no-ledger", action="store_true", help="do not compare with the ledger")
        parser.add_argument("--drain-seconds", type=_count, default=30, metavar="N", help="patience with the recorder")
        parser.add_argument("--restart", action="store_true", help="drop what an interrupted run of the same kind did")

    def handle(self, *_: Any, **options: Any) -> None:
        with (
            ProgressBars(Console(stderr=True)) as progress,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            try:
                outcome = runner.run(run_replay(_read_options(options), progress))
            except (WorkloadError, ReplayRefusedError) as error:
                raise CommandError(str(error)) from error
            except StateLockedError as error:
                raise CommandError(f"the same replay is already running (its record {error} is locked)") from error
        if options["json"]:
            self.stdout.write(json.dumps(as_json(outcome.report), indent=2, ensure_ascii=False))
        else:
            print_report(Console(width=None if sys.stdout.isatty() else 100), outcome.report)
        _exit_unless_proven(outcome)


def _add_what_to_send(parser: CommandParser) -> None:
    parser.add_argument("--weak", type=_stand, default="gpt-6-luna", metavar="MODEL[=RECORDED]")
    parser.add_argument("--strong", type=_stand, default="gpt-6.1-sol", metavar="MODEL[=RECORDED]")
    parser.add_argument("--modes", type=_modes, default="strong,weak,autopilot", help="which passes, in this order")
    parser.add_argument("--repeat", "--pass", dest="repeats", type=_positive, default=1, metavar="N")
    parser.add_argument("--cache", choices=("off", "exact", "on"), default="on")
    parser.add_argument("--limit", type=_positive, metavar="N", help="only N rows of each file")
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="mix the rows, the same way for the same seed")
    parser.add_argument("--max-tokens", type=_positive, metavar="N")
    parser.add_argument("--quality", metavar="BAR", help="asked of autopilot: 0 to 1, or low, medium, high, max")
    parser.add_argument("--fresh", action="store_true", help="add a seed of this run, to be served by no earlier cache")


def _add_where_to_send(parser: CommandParser) -> None:
    parser.add_argument("--base-url", help="the gateway; default: the one that wrote var/demo.json")
    parser.add_argument("--api-key", help="default: the one in var/demo.json")
    parser.add_argument("--simulator-url", help="where the gateway's simulated providers take recordings")
    parser.add_argument("--real", action="store_true", help="the providers are real: send, and pay, without accuracy")
    parser.add_argument("--concurrency", type=_positive, default=32, metavar="N")


def _read_options(options: dict[str, Any]) -> ReplayOptions:
    endpoint = find_endpoint(var_dir=settings.VAR_DIR, base_url=options["base_url"], api_key=options["api_key"])
    if endpoint is None:
        raise ReplayRefusedError("no gateway is known: start one with `make run`, or pass --base-url and --api-key")
    return ReplayOptions(
        paths=options["files"] or SAMPLES,
        endpoint=endpoint,
        simulator_url=options["simulator_url"] or settings.SIMULATOR_URL,
        state_dir=settings.VAR_DIR / "replay",
        weak=options["weak"],
        strong=options["strong"],
        modes=options["modes"],
        repeats=options["repeats"],
        cache=options["cache"],
        limit=options["limit"],
        shuffle=options["shuffle"],
        max_tokens=options["max_tokens"],
        quality=options["quality"],
        upstream={model.id: model.upstream_id for model in registry().models},
        concurrency=options["concurrency"],
        receipts=options["receipts"],
        fresh=options["fresh"],
        real=options["real"],
        restart=options["restart"],
        check_ledger=not options["no_ledger"],
        drain_seconds=options["drain_seconds"],
    )


def _exit_unless_proven(outcome: Outcome) -> None:
    """Success is only: everything asked, and the ledger equal to the receipts where it was to be compared."""
    if outcome.stopped_because:
        sys.stderr.write(f"Stopped: {outcome.stopped_because}. The same command goes on from here.\n")
        sys.exit(INTERRUPTED if outcome.stopped_because == "interrupted" else 1)
    if outcome.report.ledger and not outcome.report.ledger.holds:
        sys.exit(1)


def _stand(text: str) -> Stand:
    try:
        return Stand.parse(text)
    except WorkloadError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _modes(text: str) -> list[Mode]:
    try:
        return [Mode(name) for name in dict.fromkeys(text.split(","))]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; the modes are {', '.join(Mode)}") from error


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
