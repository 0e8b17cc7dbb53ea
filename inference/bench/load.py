"""Closed-loop load at full speed: by `wrk` or `oha` when one is installed, otherwise by our own client."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
from typing import Any, Protocol

import msgspec

from inference.bench import client, wire
from inference.bench.target import LoadResult, Target, Workload
from inference.bench.upstream import new_precise_loop

_MARK = "BENCH "
_LUA = """
local words = {%(words)s}
local number = %(first)d
wrk.method = "POST"
%(headers)s
if %(distinct)s then
  function request()
    local said, rest = {}, number
    for place = 1, %(places)d do
      said[place] = words[rest %% 16 + 1]
      rest = math.floor(rest / 16)
    end
    number = number + 1
    return wrk.format(nil, nil, nil, %(head)s .. table.concat(said, ", ") .. %(tail)s)
  end
else
  wrk.body = %(body)s
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('%(mark)s{"requests":%%d,"status":%%d,"socket":%%d,"us":%%d,"p50":%%d,"p95":%%d,"p99":%%d}\\n',
    summary.requests, e.status, e.connect + e.read + e.write + e.timeout, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
"""


class Driver(Protocol):
    """Loads a target with a number of connections for some seconds."""

    name: str
    note: str

    def run(self, target: Target, work: Workload, connections: int, seconds: int) -> LoadResult: ...


class OwnClient:
    """The asyncio client of this package."""

    name = "own asyncio client"
    note = "the load came from our own client (no wrk, no oha): above some 20,000 requests/s it is the limit"

    def run(self, target: Target, work: Workload, connections: int, seconds: int) -> LoadResult:
        with asyncio.Runner(loop_factory=new_precise_loop) as runner:
            return runner.run(client.closed_loop(target, work.bodies(), connections, seconds))


class Wrk:
    """`wrk`, told what to send by a small Lua script."""

    name = "wrk"
    note = ""

    def __init__(self, path: str) -> None:
        self._path = path

    def run(self, target: Target, work: Workload, connections: int, seconds: int) -> LoadResult:
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(lua_script(target, work))
            script.flush()
            load = [f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
            output = _run([self._path, "-t1", *load, "-s", script.name, target.url], seconds)
        return parse_wrk(output)


class Oha:
    """`oha`. It cannot send a different body with every request, so misses are left to our own client."""

    name = "oha"
    note = "oha for repeated requests, the own asyncio client for distinct ones"

    def __init__(self, path: str) -> None:
        self._path = path

    def run(self, target: Target, work: Workload, connections: int, seconds: int) -> LoadResult:
        if work.distinct:
            return OwnClient().run(target, work, connections, seconds)
        headers = [("content-type", "application/json"), *target.headers]
        options = ["--no-tui", "--output-format", "json", "-m", "POST", "-c", str(connections), "-z", f"{seconds}s"]
        options += [part for name, value in headers for part in ("-H", f"{name}: {value}")]
        return parse_oha(_run([self._path, *options, "-d", next(work.bodies()).decode(), target.url], seconds))


def find_driver(name: str = "") -> Driver:
    """The load tool asked for, or the best that is installed."""
    for tool, make in (("wrk", Wrk), ("oha", Oha)):
        path = shutil.which(tool)
        if path and name in {"", tool}:
            return make(path)
    if name not in {"", "own"}:
        raise LookupError(f"{name} is not installed")
    return OwnClient()


def lua_script(target: Target, work: Workload) -> str:
    """The script that makes wrk send what `work` says."""
    head, tail = wire.request_frame(work.model)
    headers = [("content-type", "application/json"), *target.headers]
    return _LUA % {
        "words": ", ".join(_lua(word) for word in wire.WORDS),
        "places": wire.PLACES,
        "first": work.first,
        "headers": "\n".join(f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in headers),
        "distinct": "true" if work.distinct else "false",
        "head": _lua(head.decode()),
        "tail": _lua(tail.decode()),
        "body": _lua(next(work.bodies()).decode()),
        "mark": _MARK,
    }


def _lua(text: str) -> str:
    return json.dumps(text)  # for our ASCII text, Lua's string literals are JSON's


def _run(command: list[str], seconds: float) -> str:
    """Run a load tool to its end; one that hangs is stopped."""
    limit = seconds + client.GRACE_SECONDS
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=limit).stdout  # noqa: S603  # fixed tool


class _WrkSummary(msgspec.Struct):
    requests: int
    status: int
    socket: int
    us: int
    p50: int
    p95: int
    p99: int


def parse_wrk(output: str) -> LoadResult:
    """Read the line that our script's `done` prints. wrk's requests include those not answered with 200."""
    line = next(line for line in output.splitlines() if line.startswith(_MARK))
    said = msgspec.json.decode(line.removeprefix(_MARK), type=_WrkSummary)
    failed = said.status + said.socket
    failure = f"{said.status} answers that are not 200, {said.socket} socket errors" if failed else ""
    p50, p95, p99 = (us / 1000 for us in (said.p50, said.p95, said.p99))
    return LoadResult(said.requests - said.status, failed, said.us / 1e6, p50, p95, p99, failure)


def parse_oha(output: str) -> LoadResult:
    """Read oha's JSON. Requests that it aborts itself when the time is over are no failures."""
    said: dict[str, Any] = json.loads(output)
    statuses: dict[str, int] = said["statusCodeDistribution"]
    errors = {reason: count for reason, count in said["errorDistribution"].items() if "deadline" not in reason}
    wrong = {status: count for status, count in statuses.items() if status != "200"}
    p50, p95, p99 = (1000 * (said["latencyPercentiles"][name] or 0) for name in ("p50", "p95", "p99"))
    return LoadResult(
        answered=statuses.get("200", 0),
        failed=sum(wrong.values()) + sum(errors.values()),
        seconds=said["summary"]["total"],
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        failure=", ".join(f"{count} × {reason}" for reason, count in {**wrong, **errors}.items()),
    )
