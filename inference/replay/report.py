"""A finished run told twice: one JSON object for machines, a table of at most 100 columns for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from inference.gateway_client import usd_from_nano
from inference.replay.reconcile import Reconciliation
from inference.replay.summary import TIERS, Accuracy, PassSummary, Slice
from inference.replay.workload import Source

UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Roles:
    """The registered models of a run, and the recorded ones each stood for."""

    weak: str
    strong: str
    weak_recorded: tuple[str, ...]
    strong_recorded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunReport:
    """`complete` is False for a run that was stopped; `accuracy_skipped` says why outcomes were not replayed."""

    run_id: str
    base_url: str
    complete: bool
    resumed: bool
    cache: str
    concurrency: int
    sources: tuple[Source, ...]
    roles: Roles
    passes: tuple[PassSummary, ...]
    ledger: Reconciliation | None
    accuracy_skipped: str = ""


def as_json(report: RunReport) -> dict[str, Any]:
    """Money is exact decimal USD in strings; shares are 0 to 1; latencies milliseconds as the client saw them."""
    return {
        "run_id": report.run_id,
        "base_url": report.base_url,
        "complete": report.complete,
        "resumed": report.resumed,
        "cache": report.cache,
        "concurrency": report.concurrency,
        "accuracy_skipped": report.accuracy_skipped or None,
        "workload": [asdict(source) for source in report.sources],
        "weak": {"model": report.roles.weak, "stands_for": list(report.roles.weak_recorded)},
        "strong": {"model": report.roles.strong, "stands_for": list(report.roles.strong_recorded)},
        "passes": [_pass_json(one, report.sources) for one in report.passes],
        "ledger": _ledger_json(report.ledger) if report.ledger else None,
    }


def _pass_json(one: PassSummary, sources: Sequence[Source]) -> dict[str, Any]:
    by_source = [
        {"name": source.name, **_slice_json(part)} for source, part in zip(sources, one.by_source, strict=True)
    ]
    return {
        "mode": one.current.mode.value,
        "repeat": one.current.repeat,
        **_slice_json(one.total),
        "by_source": by_source,
    }


def _slice_json(part: Slice) -> dict[str, Any]:
    return {
        "answered": part.answered,
        "failed": part.failed,
        "retries": part.retries,
        "cost_usd": usd_from_nano(part.cost_nano),
        "original_cost_usd": usd_from_nano(part.original_nano),
        "all_strong_cost_usd": None if part.strong_nano is None else usd_from_nano(part.strong_nano),
        "failed_cost_usd": usd_from_nano(part.lost_nano),
        "saved_share": part.saved_share,
        "saved_share_against_strong": part.saved_against_strong,
        "hit_rate": {tier: part.hits.get(tier, 0) / part.answered if part.answered else 0.0 for tier in TIERS},
        "hits": {tier: part.hits.get(tier, 0) for tier in TIERS},
        "wrong_hits": part.wrong_hits,
        "models": dict(part.models),
        "errors": dict(part.errors),
        "latency_ms": {"p50": part.p50_ms, "p95": part.p95_ms},
        "accuracy": asdict(part.accuracy) if part.accuracy else None,
    }


def _ledger_json(ledger: Reconciliation) -> dict[str, Any]:
    return {
        "tag": ledger.tag,
        "holds": ledger.holds,
        "problem": ledger.problem or None,
        "receipts": ledger.receipts,
        "receipts_usd": usd_from_nano(ledger.receipts_nano),
        "lost_answers": ledger.lost,
        "lost_answers_usd": usd_from_nano(ledger.lost_nano),
        "ledger_requests": ledger.ledger_requests,
        "ledger_usd": None if ledger.ledger_nano is None else usd_from_nano(ledger.ledger_nano),
        "receipts_checked": ledger.checked,
        "receipts_differing": list(ledger.differing),
    }


def print_report(console: Console, report: RunReport) -> None:
    """The heading, the table of passes, a table by file when there are several, and what the ledger says."""
    _print_heading(console, report)
    console.print()
    console.print(_table(report.passes, [one.total for one in report.passes]))
    if len(report.sources) > 1:
        for index, source in enumerate(report.sources):
            console.print()
            parts = [one.by_source[index] for one in report.passes]
            console.print(_table(report.passes, parts, title=f"{source.name} · {source.questions:,} requests a pass"))
    _print_notes(console, report)
    if report.ledger:
        _print_ledger(console, report.ledger)


def _print_heading(console: Console, report: RunReport) -> None:
    requests = sum(source.questions for source in report.sources)
    names = ", ".join(source.name for source in report.sources)
    console.print(f"\n[bold]Replay {report.run_id}[/] · {requests:,} requests a pass from {escape(names)}")
    roles = report.roles
    for role, model, recorded in (
        ("strong", roles.strong, roles.strong_recorded),
        ("weak", roles.weak, roles.weak_recorded),
    ):
        stands_for = f", standing for {', '.join(recorded)}" if recorded else ""
        console.print(f"  {role:<7}{escape(model + stands_for)}")
    if report.accuracy_skipped:
        console.print(f"  [yellow]no accuracy:[/] {escape(report.accuracy_skipped)}")


def _table(passes: Sequence[PassSummary], parts: Sequence[Slice], *, title: str | None = None) -> Table:
    table = Table(title=escape(title) if title else None, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("pass", no_wrap=True)
    for name in ("answers", "cost", "saved", "saved vs\nall-strong", "cache hits", "p50 / p95\nms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("accuracy\n(95 % interval)", justify="right", no_wrap=True)
    for one, part in zip(passes, parts, strict=True):
        table.add_row(*_cells(one, part))
    return table


def _cells(one: PassSummary, part: Slice) -> tuple[str, ...]:
    repeat = f" #{one.current.repeat}" if one.current.repeat > 1 else ""
    return (
        one.current.mode.value + repeat,
        f"{part.answered:,}",
        dollars(part.cost_nano),
        percent(part.saved_share),
        percent(part.saved_against_strong),
        _hits(part),
        UNKNOWN if part.p50_ms is None or part.p95_ms is None else f"{part.p50_ms:.1f} / {part.p95_ms:.1f}",
        _accuracy(part.accuracy),
    )


def _hits(part: Slice) -> str:
    used = [f"{tier} {percent(part.hits[tier] / part.answered)}" for tier in TIERS if part.hits.get(tier)]
    return "\n".join(used) or "none"


def _accuracy(accuracy: Accuracy | None) -> str:
    if accuracy is None:
        return UNKNOWN
    return f"{accuracy.value:.1%} ({accuracy.low:.1%}–{accuracy.high:.1%})".replace("%–", "–")


def _print_notes(console: Console, report: RunReport) -> None:
    console.print()
    for one in report.passes:
        name, part = _cells(one, one.total)[0], one.total
        if part.failed:
            reasons = "; ".join(f"{error} (×{count})" for error, count in part.errors.items())
            console.print(f"  [red]{name}: {part.failed:,} failed:[/] {escape(reasons)}")
        if part.wrong_hits:
            console.print(f"  [red]{name}: {part.wrong_hits:,} cache hits were another question's answer[/]")
        if one.current.repeat == 1 and report.cache != "off" and part.hits.get("t1", 0) > part.answered / 2:
            console.print(f"  {name}: most answers were cached before this run; --fresh measures from cold caches")
    if not report.complete:
        console.print("  [yellow]incomplete: the same command goes on where this stopped[/]")


def _print_ledger(console: Console, ledger: Reconciliation) -> None:
    console.print(f"  {ledger.receipts:,} receipts add up to ${usd_from_nano(ledger.receipts_nano)}")
    if ledger.ledger_nano is None:
        console.print(f"  [red]the ledger could not be read:[/] {escape(ledger.problem)}")
        return
    if ledger.lost:
        console.print(f"  {ledger.lost} calls whose answers were lost on the way: ${usd_from_nano(ledger.lost_nano)}")
    equal = ledger.ledger_nano == ledger.receipts_nano + ledger.lost_nano
    verdict = "[green]equal to the nano-dollar[/]" if equal else "[red]they differ[/]"
    console.print(
        f"  the ledger has {ledger.ledger_requests:,} requests for ${usd_from_nano(ledger.ledger_nano)}: {verdict}"
    )
    if ledger.checked:
        console.print(f"  {ledger.checked - len(ledger.differing)} of {ledger.checked} stored receipts agree")
    for problem in ledger.differing:
        console.print(f"  [red]{escape(problem)}[/]")


def dollars(nano: int) -> str:
    """For reading: dollars to a hundredth of a cent."""
    return f"${Decimal(nano).scaleb(-9).quantize(Decimal('0.0001'), ROUND_HALF_UP):,}"


def percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.1%}"
