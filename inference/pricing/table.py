"""The price table's rates for the registered models: of the table installed, of another one, and as approved by hand.

The approved rates are a file in the repository. A package upgrade that would change a bill differs from it, and is
found before anything is served.
"""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from inference.domain import PRICED_SERVICES
from inference.models_file import read_models_file
from inference.pricing import genai
from inference.pricing.rates import PriceError
from inference.pricing.timetable import Timetable, read, timetable_of, written

_PACKAGE = "genai_prices"
_SECONDS = 120
STANDARD = "standard"


class TableError(ValueError):
    """A price table, or the file of approved rates, that cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Table:
    """Timetables by model (`provider/upstream id`) and service; "" is the standard one.

    A service is left out when it costs what the standard one does, a model when the table has no price for it.
    """

    version: str
    models: Mapping[str, Mapping[str, Timetable]]


def installed_table(models_path: Path) -> Table:
    """Raises RegistryError when the models file does not fit its shape."""
    entries = sorted({(entry.provider, entry.upstream) for entry in read_models_file(models_path).models})
    found = {f"{provider}/{upstream}": _timetables(provider, upstream) for provider, upstream in entries}
    return Table(genai.TABLE_VERSION, {name: services for name, services in found.items() if services})


def other_table(package: Path, models_path: Path) -> Table:
    """The rates in another version of the package: a wheel, or a directory it was unpacked or installed into.

    It is read by an interpreter of its own, since two versions do not fit into one. Raises TableError.
    """
    package = package.resolve()
    if package.name == _PACKAGE:
        package = package.parent
    if not package.exists():
        raise TableError(f"{package} is not there")
    found = subprocess.run(  # noqa: S603  # nosec B603
        [sys.executable, "-m", __name__, str(models_path), str(package)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(package), str(Path(__file__).parents[2])))},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if found.returncode:
        reason = (found.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise TableError(f"the price table in {package} cannot be read: {reason}")
    return parse(found.stdout)


def approved_table(path: Path) -> Table | None:
    """None when nothing was approved yet. Raises TableError."""
    try:
        return parse(path.read_text())
    except FileNotFoundError:
        return None


def approve(table: Table, path: Path, today: date) -> None:
    path.write_text(dump(table, approved_on=today))


def dump(table: Table, approved_on: date | None = None) -> str:
    """JSON with a line for each period, so that a change of one rate is a change of one line."""
    head: dict[str, Any] = {"table": table.version}
    if approved_on is not None:
        head["approved_on"] = approved_on.isoformat()
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    models = ",\n".join(f"  {json.dumps(name)}: {{\n{_services(services)}\n  }}" for name, services in _sorted(table))
    return "\n".join(("{", *lines, ' "models": {', models, " }", "}", ""))


def parse(text: str) -> Table:
    """Raises TableError."""
    try:
        content = json.loads(text)
        models = {
            name: {"" if service == STANDARD else service: read(periods) for service, periods in services.items()}
            for name, services in content["models"].items()
        }
        return Table(content["table"], models)
    except (ValueError, KeyError, TypeError, AttributeError, PriceError, ArithmeticError) as error:
        raise TableError(f"the rates are not written as they should be: {error!r}") from error


def _timetables(provider: str, upstream: str) -> dict[str, Timetable]:
    standard = _timetable(provider, upstream, "")
    if standard is None:
        return {}
    others = {service: _timetable(provider, upstream, service) for service in sorted(PRICED_SERVICES)}
    return {"": standard} | {service: times for service, times in others.items() if times and times != standard}


def _timetable(provider: str, upstream: str, service: str) -> Timetable | None:
    schedule = genai.find_schedule(provider, upstream, service)
    if schedule is None:
        return None
    try:
        schedule.check()
        return timetable_of(schedule)
    except PriceError:
        return None


def _sorted(table: Table) -> list[tuple[str, Mapping[str, Timetable]]]:
    return sorted(table.models.items())


def _services(services: Mapping[str, Timetable]) -> str:
    return ",\n".join(
        f"   {json.dumps(service or STANDARD)}: [\n{_periods(timetable)}\n   ]"
        for service, timetable in sorted(services.items())
    )


def _periods(timetable: Timetable) -> str:
    return ",\n".join(f"    {json.dumps(period)}" for period in written(timetable))


def _main(models_path: str, package: str) -> None:
    if not Path(genai.table_path()).is_relative_to(package):
        sys.exit(f"there is no {_PACKAGE} in it")
    sys.stdout.write(dump(installed_table(Path(models_path))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
