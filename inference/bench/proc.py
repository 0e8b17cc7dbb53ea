"""CPU time and memory of a server and its children, and of a whole core, as Linux accounts for them in /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Stat:
    """What a line of /proc/<pid>/stat says: CPU seconds include those of children that have ended."""

    parent: int
    cpu_seconds: float
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where: the server alone on its cores, everything else on the others."""

    server: frozenset[int]
    load: frozenset[int]

    @property
    def are_apart(self) -> bool:
        return not self.server & self.load


def split_cores(available: Iterable[int], workers: int = 1) -> Cores:
    """Give each worker of the server a core of its own and the rest to the load; the last is shared if it must."""
    cores = sorted(available)
    server = cores[:workers]
    return Cores(frozenset(server), frozenset(cores[workers:] or cores[-1:]))


def parse_stat(line: str) -> Stat:
    """Read a line of /proc/<pid>/stat. The name, in parentheses, may hold spaces and parentheses itself."""
    fields = line[line.rindex(")") + 2 :].split()
    ticks = sum(int(fields[index]) for index in (11, 12, 13, 14))  # utime, stime, cutime, cstime
    return Stat(int(fields[1]), ticks / TICKS_PER_SECOND, int(fields[21]) * PAGE_BYTES)


def read_tree(pid: int) -> list[Stat]:
    """The process and all its descendants that are alive."""
    stats = dict(_read_all())
    tree = {pid} & stats.keys()
    while grown := {child for child, stat in stats.items() if stat.parent in tree} - tree:
        tree |= grown
    return [stats[member] for member in tree]


def _read_all() -> Iterable[tuple[int, Stat]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), parse_stat((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
                continue


def cpu_seconds(pid: int) -> float:
    """User and system time used so far by a process and its children."""
    return sum(stat.cpu_seconds for stat in read_tree(pid))


def rss_bytes(pid: int) -> int:
    """Resident memory of a process and its children; pages they share count once for each."""
    return sum(stat.rss_bytes for stat in read_tree(pid))


def parse_busy_seconds(stat: str, cores: frozenset[int]) -> float:
    """How long these cores have worked, by the text of /proc/stat; also on what a hypervisor or others took."""
    busy = 0
    for line in stat.splitlines():
        name, *ticks = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cores:
            user, nice, system, _idle, _iowait, irq, softirq, steal = (int(tick) for tick in ticks[:8])
            busy += user + nice + system + irq + softirq + steal
    return busy / TICKS_PER_SECOND


def busy_seconds(cores: frozenset[int]) -> float:
    return parse_busy_seconds(Path("/proc/stat").read_text(), cores)
