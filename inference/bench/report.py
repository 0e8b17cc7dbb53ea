"""The result of a benchmark, as a table to read and as JSON to keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from inference.bench.figures import Figure, Measure

STRANGERS_WORTH_A_WARNING = 0.05
_SIGNS = {"goal": "reaches the goal", "must": "reaches what it must", "missed": "MISSED", "": ""}


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run found out."""

    date: datetime
    mode: str
    rounds: int
    client: str
    notes: Sequence[str]
    git: dict[str, object]
    machine: dict[str, object]
    versions: dict[str, str]
    server_cores: Sequence[int]
    load_cores: Sequence[int]
    strangers_share: float
    """How much of the gateway's cores others used while it was measured, at worst."""
    requests: int
    figures: Sequence[Figure]
    failures: Sequence[str]

    def as_json(self) -> dict[str, object]:
        return {
            "date": self.date.isoformat(timespec="seconds"),
            "mode": self.mode,
            "rounds": self.rounds,
            "client": self.client,
            "notes": list(self.notes),
            "git": self.git,
            "machine": self.machine,
            "versions": self.versions,
            "cores": {"server": list(self.server_cores), "load": list(self.load_cores)},
            "strangers_percent": round(self.strangers_share * 100, 1),
            "requests": self.requests,
            "figures": [_figure_json(figure) for figure in self.figures],
            "failures": list(self.failures),
        }

    def as_text(self) -> str:
        head = str(self.git.get("head", "no commit"))[:10] + (" (modified)" if self.git.get("modified") else "")
        run = f"{self.mode}, {self.rounds} rounds, {self.client}, {self.date:%Y-%m-%d %H:%M} UTC, {head}"
        cores = f"the gateway on {_list(self.server_cores)}, everything else on {_list(self.load_cores)}"
        lines = [
            f"Asahi benchmark, {run}",
            f"{self.machine['processor']}, {self.machine['cores']} cores: {cores}",
            "",
            *_table([("", "measured", "direct", "must", "goal", ""), *(_row(figure) for figure in self.figures)]),
            "",
            f"{self.requests:,} requests answered by the gateway. Medians of the rounds; compare within one run only.",
            *self.notes,
        ]
        if self.strangers_share > STRANGERS_WORTH_A_WARNING:
            lines.append(f"Others used up to {self.strangers_share:.0%} of the gateway's cores: trust CPU, not rates.")
        return "\n".join([*lines, *(f"FAILED {failure}" for failure in self.failures)])


def _figure_json(figure: Figure) -> dict[str, object]:
    measure = figure.measure
    return {
        "key": measure.key,
        "label": measure.label,
        "unit": measure.unit,
        "value": _rounded(figure.value),
        "rounds": [_rounded(value) for value in figure.rounds],
        "direct": None if figure.direct is None else _rounded(figure.direct),
        "must": measure.must,
        "goal": measure.goal,
        "verdict": figure.verdict,
    }


def _row(figure: Figure) -> tuple[str, ...]:
    measure = figure.measure
    direct = "" if figure.direct is None else _number(figure.direct)
    bounds = (_bound(measure, measure.must), _bound(measure, measure.goal))
    return (measure.label, f"{_number(figure.value)} {measure.unit}", direct, *bounds, _SIGNS[figure.verdict])


def _bound(measure: Measure, bound: float | None) -> str:
    if bound is None:
        return ""
    return f"{'≥' if measure.higher_is_better else '≤'} {_number(bound)}"


def _number(value: float) -> str:
    """Three figures that mean something, not more."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _rounded(value: float) -> float:
    return round(value, 4)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    """Rows in aligned columns: the label and the verdict to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for label, *numbers, verdict in rows:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:-1], strict=True)]
        yield "  ".join([label.ljust(widths[0]), *cells, verdict]).rstrip()


def _list(cores: Sequence[int]) -> str:
    return ("core " if len(cores) == 1 else "cores ") + ", ".join(str(core) for core in cores)
