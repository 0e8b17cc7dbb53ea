"""One replay from files to report: read, teach the simulator, send pass by pass, add up, compare with the ledger."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from inference.gateway_client import Endpoint, GatewayClient, error_message, open_session
from inference.replay.reconcile import DRAIN_SECONDS, Claim, Reconciliation, reconcile
from inference.replay.recordings import RecordingsRefusedError, load_recordings
from inference.replay.report import Roles, RunReport
from inference.replay.runner import RETRY_SECONDS, Mode, Pass, Progress, Runner, SendOptions, plan_passes
from inference.replay.state import RunState
from inference.replay.summary import summarize
from inference.replay.workload import Stand, Workload, check_stands, describe_stand, read_workload

DAY_SECONDS = 86_400.0


class ReplayRefusedError(RuntimeError):
    """The replay cannot begin, or cannot go on; says why and what to do."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What to replay and how. `simulator_url` is empty when the providers are real; then `real` must be set.

    `quality` is what autopilot is asked for, as in `x-asahi-quality`. `upstream` names registered models as their
    provider does, where that differs.
    """

    paths: Sequence[Path]
    endpoint: Endpoint
    simulator_url: str
    state_dir: Path
    weak: Stand
    strong: Stand
    modes: Sequence[Mode] = tuple(Mode)
    repeats: int = 1
    cache: str = "on"
    limit: int | None = None
    shuffle: int | None = None
    max_tokens: int | None = None
    concurrency: int = 32
    receipts: int = 20
    fresh: bool = False
    real: bool = False
    restart: bool = False
    check_ledger: bool = True
    quality: str | None = None
    upstream: Mapping[str, str] = field(default_factory=dict)
    retry_seconds: tuple[float, ...] = RETRY_SECONDS
    drain_seconds: float = DRAIN_SECONDS


@dataclass(frozen=True, slots=True)
class Outcome:
    """`stopped_because` is empty for a run that asked everything."""

    report: RunReport
    stopped_because: str


async def run_replay(options: ReplayOptions, progress: Progress) -> Outcome:
    """Replays the workload, continuing an interrupted run of the same files and options. Raises what stops it early."""
    workload = read_workload(options.paths, limit=options.limit, shuffle=options.shuffle)
    check_stands(workload, options.weak, options.strong)
    async with open_session(options.concurrency) as session:
        client = GatewayClient(session, options.endpoint)
        await _check_gateway(client, options)
        await _prepare_answers(session, options, workload)
        path = options.state_dir / f"{run_key(options, workload)}.jsonl"
        with RunState(path, now=time.time(), restart=options.restart) as state:
            return await _run(client, options, workload, state, progress)


async def _run(
    client: GatewayClient, options: ReplayOptions, workload: Workload, state: RunState, progress: Progress
) -> Outcome:
    passes = plan_passes(options.modes, options.repeats)
    runner = Runner(client, workload, state, _send_options(options, state), progress)
    with _stopped_by_signals(runner):
        await runner.run(passes)
    ledger = await _compare_with_ledger(client, options, state) if options.check_ledger else None
    report = _report(options, workload, state, passes, ledger, complete=not runner.stopped_because)
    if report.complete:
        state.finish()
    return Outcome(report, runner.stopped_because)


def run_key(options: ReplayOptions, workload: Workload) -> str:
    """Names the record of a run: the same for the same files, gateway and options, whatever the concurrency."""
    said = [
        [source.digest for source in workload.sources],
        [options.endpoint.base_url, options.endpoint.api_key],
        [options.weak.registered, options.weak.recorded, options.strong.registered, options.strong.recorded],
        [list(options.modes), options.repeats, options.cache, options.limit, options.shuffle],
        [options.max_tokens, options.quality, options.fresh, options.real],
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


async def _check_gateway(client: GatewayClient, options: ReplayOptions) -> None:
    """Refuses before anything is sent: no gateway there, a key it does not know, a model it does not have."""
    status, body = await client.get_json("/v1/models")
    url = options.endpoint.base_url
    if status == 0:
        raise ReplayRefusedError(f"no gateway answers at {url} ({error_message(body)}); start one with `make run`")
    if status != 200 or not isinstance(body, dict):
        raise ReplayRefusedError(f"{url}/v1/models answered {status}: {error_message(body)}")
    known = {str(model.get("id")) for model in body.get("data", [])}
    for stand in (options.weak, options.strong):
        if stand.registered not in known:
            raise ReplayRefusedError(f"the gateway has no model {stand.registered!r}; see {url}/v1/models")


async def _prepare_answers(session: aiohttp.ClientSession, options: ReplayOptions, workload: Workload) -> None:
    """Loads the recordings into the simulator; with real providers, goes on only when told that it may cost money."""
    if options.real:
        return
    if not options.simulator_url:
        raise ReplayRefusedError(
            "this gateway's providers are real: recorded outcomes cannot be replayed, and every call costs money. "
            "Pass --real to send them anyway, without accuracy"
        )
    try:
        await load_recordings(
            session,
            options.simulator_url,
            workload,
            weak=options.weak,
            strong=options.strong,
            upstream=options.upstream,
        )
    except RecordingsRefusedError as error:
        raise ReplayRefusedError(f"the simulator at {options.simulator_url} took no recordings: {error}") from error


def _send_options(options: ReplayOptions, state: RunState) -> SendOptions:
    return SendOptions(
        weak=options.weak.registered,
        strong=options.strong.registered,
        tags=(_run_tag(state), _part_tag(state, state.sessions)),
        cache=options.cache,
        max_tokens=options.max_tokens,
        quality=options.quality,
        seed=int(state.started.run_id, 16) % 2**31 if options.fresh else None,
        concurrency=options.concurrency,
        retry_seconds=options.retry_seconds,
        real=options.real,
    )


def _run_tag(state: RunState) -> str:
    return f"replay:{state.started.run_id}"


def _part_tag(state: RunState, session: int) -> str:
    """Marks what one process sent of a run: by it, the calls are found whose answers an interruption lost."""
    return f"{_run_tag(state)}:{session}"


async def _compare_with_ledger(client: GatewayClient, options: ReplayOptions, state: RunState) -> Reconciliation:
    age = time.time() - state.started.started_at
    parts = [_part_tag(state, session) for session in range(1, state.sessions + 1)]
    return await reconcile(
        client,
        Claim([_run_tag(state), *parts], list(state.done.values()), state.charged_nano),
        sample=options.receipts,
        patience_seconds=options.drain_seconds,
        period="24h" if age < DAY_SECONDS - 3600 else "90d",
    )


def _report(
    options: ReplayOptions,
    workload: Workload,
    state: RunState,
    passes: Sequence[Pass],
    ledger: Reconciliation | None,
    *,
    complete: bool,
) -> RunReport:
    skipped = "the answers came from real providers, not from the recording" if options.real else ""
    roles = Roles(
        weak=options.weak.registered,
        strong=options.strong.registered,
        weak_recorded=tuple(describe_stand(workload, options.weak, "weak")),
        strong_recorded=tuple(describe_stand(workload, options.strong, "strong")),
    )
    return RunReport(
        run_id=state.started.run_id,
        base_url=options.endpoint.base_url,
        complete=complete,
        resumed=state.is_resumed,
        cache=options.cache,
        concurrency=options.concurrency,
        sources=workload.sources,
        roles=roles,
        passes=tuple(summarize(workload, passes, state.done, graded=not options.real)),
        ledger=ledger,
        accuracy_skipped=skipped if workload.is_recorded else "",
    )


@contextmanager
def _stopped_by_signals(runner: Runner) -> Iterator[None]:
    """The first Ctrl-C or TERM lets calls in flight finish; a second one ends the process as usual."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        runner.stop("interrupted")
        for one in caught:
            loop.remove_signal_handler(one)

    for one in caught:
        loop.add_signal_handler(one, stop)
    try:
        yield
    finally:
        for one in caught:
            loop.remove_signal_handler(one)
