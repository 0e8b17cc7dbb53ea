"""CPU time and memory, as /proc tells them."""

from __future__ import annotations

import os
import subprocess
import sys

from inference.bench import proc

STAT = "4242 (a (strange) name) S 17 4242 4242 0 -1 4194304 500 0 0 0 150 50 30 20 20 0 9 0 130071 2998272 423 18446744"
CORES = """cpu  900 0 0 0 0 0 0 0 0 0
cpu0 100 10 50 7000 90 1 4 35 0 0
cpu1 1000 0 0 0 0 0 0 0 0 0
cpu10 5 0 0 0 0 0 0 0 0 0
intr 12345
"""


def test_a_stat_line_is_read_whatever_the_process_is_called():
    stat = proc.parse_stat(STAT)
    assert stat.parent == 17
    assert stat.cpu_seconds == 250 / proc.TICKS_PER_SECOND  # user and system, with those of ended children
    assert stat.rss_bytes == 423 * proc.PAGE_BYTES


def test_a_core_is_busy_with_everything_but_waiting():
    assert proc.parse_busy_seconds(CORES, frozenset({0})) == 200 / proc.TICKS_PER_SECOND
    assert proc.parse_busy_seconds(CORES, frozenset({0, 1})) == 1200 / proc.TICKS_PER_SECOND


def test_a_process_is_accounted_for_with_its_children():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert proc.rss_bytes(os.getpid()) >= proc.rss_bytes(child.pid) > 0
        assert len(proc.read_tree(os.getpid())) >= 2
    finally:
        child.communicate(b"\n")


def test_a_process_that_ended_has_used_nothing():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert proc.read_tree(child.pid) == []


def test_the_server_has_its_core_to_itself():
    cores = proc.split_cores({0, 1})
    assert (cores.server, cores.load, cores.are_apart) == ({0}, {1}, True)


def test_each_worker_has_a_core_and_the_load_what_is_left():
    cores = proc.split_cores(range(8), workers=2)
    assert (cores.server, cores.load) == ({0, 1}, {2, 3, 4, 5, 6, 7})


def test_where_cores_are_too_few_they_are_shared_and_said_to_be():
    cores = proc.split_cores({0, 1}, workers=2)
    assert (cores.server, cores.load, cores.are_apart) == ({0, 1}, {1}, False)
    assert not proc.split_cores({3}).are_apart
