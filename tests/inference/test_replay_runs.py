"""Whole replays over HTTP against a small gateway: what is sent, what is added up, what is compared with the ledger."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from inference.gateway_client import Endpoint
from inference.replay import reconcile, recordings
from inference.replay.runner import Mode
from inference.replay.session import Outcome, ReplayOptions, ReplayRefusedError, run_replay
from inference.replay.summary import PassSummary
from inference.replay.workload import Stand
from tests.inference.replay_fakes import PRICES, FakeGateway, SilentProgress, endpoint_of, failure

ROWS = [("a", 1, 1), ("bb", 0, 1), ("ccc", 1, 0), ("dddd", 1, 1), ("eeeee", 0, 1), ("ffffff", 0, 0)]
"""Prompts of odd length go to the strong model in autopilot, of even length to the weak one."""


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": prompt, "weak_correct": weak, "strong_correct": strong} for prompt, weak, strong in ROWS]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.fixture
async def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
async def server(gateway: FakeGateway) -> AsyncIterator[TestServer]:
    server = await gateway.start()
    yield server
    await server.close()


@pytest.fixture
def options(workload: Path, server: TestServer, tmp_path: Path) -> Callable[..., ReplayOptions]:
    def build(**changes: Any) -> ReplayOptions:
        endpoint = endpoint_of(server)
        chosen: dict[str, Any] = {
            "paths": [workload],
            "endpoint": endpoint,
            "simulator_url": endpoint.base_url,
            "state_dir": tmp_path / "state",
            "weak": Stand("cheap-model"),
            "strong": Stand("dear-model"),
            "concurrency": 2,
            "retry_seconds": (0.0, 0.0),
            "drain_seconds": 0.2,
            **changes,
        }
        return ReplayOptions(**chosen)

    return build


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "POLL_SECONDS", 0.0)


async def replay(options: ReplayOptions) -> Outcome:
    return await run_replay(options, SilentProgress())


def by_mode(outcome: Outcome, repeat: int = 1) -> dict[Mode, PassSummary]:
    return {one.current.mode: one for one in outcome.report.passes if one.current.repeat == repeat}


async def test_each_pass_has_the_accuracy_the_recording_gives_its_models(options: Callable[..., ReplayOptions]) -> None:
    passes = by_mode(await replay(options()))
    accuracy = {mode: one.total.accuracy for mode, one in passes.items()}
    assert {mode: one and one.value for mode, one in accuracy.items()} == {
        Mode.STRONG: 4 / 6,
        Mode.WEAK: 3 / 6,
        Mode.AUTOPILOT: 3 / 6,
    }
    assert passes[Mode.AUTOPILOT].total.models == {"dear-model": 3, "cheap-model": 3}


async def test_cost_and_savings_are_sums_of_receipts_against_an_uncached_strong_pass(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    outcome = await replay(options(repeats=2))
    first, second = by_mode(outcome), by_mode(outcome, repeat=2)
    strong_price = sum(entry.cost for entry in gateway.ledger[: len(ROWS)])
    assert first[Mode.STRONG].total.saved_against_strong == 0.0
    assert first[Mode.WEAK].total.saved_share == 0.0
    weak = first[Mode.WEAK].total
    assert weak.strong_nano == strong_price
    assert weak.saved_against_strong == 1 - weak.cost_nano / strong_price
    assert 0 < first[Mode.AUTOPILOT].total.cost_nano < strong_price
    assert second[Mode.AUTOPILOT].total.saved_against_strong == 1.0


async def test_no_pass_is_served_by_anothers_cache_and_a_second_pass_is_all_hits(
    options: Callable[..., ReplayOptions],
) -> None:
    outcome = await replay(options(repeats=2))
    assert all(one.total.hits == {} for one in by_mode(outcome).values())
    assert all(one.total.hits == {"t1": len(ROWS)} for one in by_mode(outcome, repeat=2).values())


async def test_every_request_says_whose_run_it_is_and_only_autopilot_names_candidates(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    outcome = await replay(options(cache="exact", max_tokens=64, quality="0.9"))
    for body, headers in gateway.requests:
        run = f"replay:{outcome.report.run_id}"
        assert headers["x-asahi-tags"] == f"{run},{run}:1"
        assert headers["x-asahi-cache"] == "exact"
        assert body["max_completion_tokens"] == 64
        routed = (headers.get("x-asahi-candidates"), headers.get("x-asahi-quality"))
        assert routed == (("cheap-model,dear-model", "0.9") if body["model"] == "asahi" else (None, None))
    assert {body["model"] for body, _ in gateway.requests} == {"asahi", *PRICES}


async def test_a_fresh_run_is_not_served_what_an_earlier_run_left_in_the_cache(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    await replay(options())
    served = by_mode(await replay(options()))
    fresh = by_mode(await replay(options(fresh=True)))
    assert served[Mode.STRONG].total.hits == {"t1": len(ROWS)}
    assert fresh[Mode.STRONG].total.hits == {}
    assert len({body["seed"] for body, _ in gateway.requests if "seed" in body}) == 1


async def test_another_questions_answer_from_the_cache_is_wrong_and_counted(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.confused["a"] = "dddd"
    passes = by_mode(await replay(options(modes=[Mode.STRONG], repeats=2)), repeat=2)
    strong = passes[Mode.STRONG].total
    assert strong.wrong_hits == 1
    assert strong.accuracy is not None
    assert strong.accuracy.value == 3 / 6


async def test_the_receipts_add_up_to_the_ledger_once_it_has_caught_up(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.lag = 3
    ledger = (await replay(options())).report.ledger
    assert ledger is not None
    assert ledger.holds
    assert ledger.receipts == ledger.ledger_requests == 3 * len(ROWS)
    assert ledger.ledger_nano == sum(entry.cost for entry in gateway.ledger) > 0
    assert ledger.checked == 18
    assert gateway.lag == 0


async def test_a_ledger_one_nano_dollar_off_is_not_equal(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.skim = 1
    ledger = (await replay(options())).report.ledger
    assert ledger is not None
    assert not ledger.holds
    assert ledger.ledger_nano == ledger.receipts_nano + 1


async def test_a_stored_receipt_that_says_something_else_is_named(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    async def forge() -> None:
        if len(gateway.requests) == 18:
            gateway.ledger[3].original += 1
            gateway.ledger[4].request_id = "req_gone"

    gateway.on_request = forge
    ledger = (await replay(options())).report.ledger
    assert ledger is not None
    assert not ledger.holds
    assert len(ledger.differing) == 2
    assert any("no such receipt" in problem for problem in ledger.differing)


async def test_failures_are_retried_then_counted_and_never_as_savings(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.faults.extend([failure(503), None, failure(500), failure(502), failure(503, "provider is down")])
    strong = by_mode(await replay(options(modes=[Mode.STRONG], concurrency=1)))[Mode.STRONG].total
    assert (strong.answered, strong.failed, strong.retries) == (5, 1, 3)
    assert strong.errors == {"503: provider is down": 1}
    assert strong.strong_nano == strong.cost_nano
    assert strong.accuracy is not None
    assert strong.accuracy.graded == 5


async def test_what_failed_attempts_cost_is_part_of_what_the_ledger_must_say(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.faults.append(failure(502, "half an answer", x_asahi_cost="0.000000005"))
    gateway.skim = 5
    report = (await replay(options(modes=[Mode.WEAK]))).report
    assert report.ledger is not None
    assert report.ledger.holds
    assert report.passes[0].total.lost_nano == 5


async def test_a_request_that_is_wrong_is_not_asked_again(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.faults.append(failure(400, "no such field"))
    weak = by_mode(await replay(options(modes=[Mode.WEAK])))[Mode.WEAK].total
    assert (weak.answered, weak.failed, len(gateway.requests)) == (5, 1, 6)


async def test_a_rate_limit_is_waited_out_by_everybody(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.faults.append(failure(429, "slow down", retry_after="0.3"))
    progress = SilentProgress()
    began = asyncio.get_running_loop().time()
    outcome = await run_replay(options(modes=[Mode.WEAK], concurrency=1), progress)
    assert asyncio.get_running_loop().time() - began >= 0.3
    assert outcome.report.passes[0].total.failed == 0
    assert progress.waits == [0.3]


async def test_a_budget_that_is_used_up_stops_the_run_which_later_goes_on_where_it_was(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.faults.extend([None, None, None, None, failure(429, "daily budget spent", retry_after="40000")])
    chosen = options(modes=[Mode.STRONG], concurrency=1)
    stopped = await replay(chosen)
    assert "daily budget spent" in stopped.stopped_because
    assert not stopped.report.complete
    assert stopped.report.passes[0].total.answered == 4
    resumed = await replay(chosen)
    assert resumed.report.resumed
    assert resumed.report.complete
    assert resumed.report.run_id == stopped.report.run_id
    assert resumed.report.ledger is not None
    assert resumed.report.ledger.holds
    asked = [body["messages"][0]["content"] for body, _ in gateway.requests]
    assert sorted(asked) == sorted([*(prompt for prompt, _, _ in ROWS), "eeeee"])


async def test_a_failed_row_is_asked_again_only_by_a_run_that_was_interrupted(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.faults.extend([failure(400), None, failure(401, "key revoked")])
    chosen = options(modes=[Mode.STRONG], concurrency=1)
    stopped = await replay(chosen)
    assert stopped.stopped_because == "the gateway refuses the key: key revoked"
    resumed = await replay(chosen)
    assert resumed.report.passes[0].total.answered == 6
    following = await replay(chosen)
    assert not following.report.resumed


async def test_a_gateway_that_goes_away_stops_the_run(
    options: Callable[..., ReplayOptions], gateway: FakeGateway, server: TestServer
) -> None:
    async def leave() -> None:
        if len(gateway.requests) == 3:
            asyncio.get_running_loop().create_task(server.close())

    gateway.on_request = leave
    outcome = await replay(options(modes=[Mode.STRONG], concurrency=1, check_ledger=False))
    assert outcome.stopped_because.startswith("the gateway does not answer: no connection")
    assert outcome.report.passes[0].total.answered < 6


async def test_other_options_or_files_are_another_run_and_concurrency_is_not(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.faults.append(failure(401))
    first = await replay(options(modes=[Mode.WEAK]))
    other = await replay(options(modes=[Mode.WEAK], max_tokens=5))
    same = await replay(options(modes=[Mode.WEAK], concurrency=1))
    assert not other.report.resumed
    assert same.report.resumed
    assert same.report.run_id == first.report.run_id


async def test_recordings_longer_than_one_body_are_sent_in_several(
    options: Callable[..., ReplayOptions], gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "BATCH_BYTES", 200)
    await replay(options(modes=[Mode.STRONG]))
    assert len(gateway.recordings) == 2 * len(ROWS)


async def test_the_simulator_is_taught_under_the_name_the_provider_gives_a_model(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    await replay(options(upstream={"cheap-model": "maker/cheap-model-v1"}))
    assert {model for model, _ in gateway.recordings} == {"maker/cheap-model-v1", "dear-model"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"weak": Stand("unheard-of")}, "no model 'unheard-of'"),
        ({"simulator_url": ""}, "providers are real"),
        ({"endpoint": Endpoint("http://127.0.0.1:9", "k")}, "no gateway answers at http://127.0.0.1:9"),
        ({"simulator_url": "http://127.0.0.1:9"}, "took no recordings"),
    ],
)
async def test_a_run_that_cannot_work_is_refused_before_anything_is_sent(
    options: Callable[..., ReplayOptions], gateway: FakeGateway, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ReplayRefusedError, match=problem):
        await replay(options(**changes))
    assert gateway.requests == []


async def test_a_wrong_key_is_refused_with_the_gateways_words(
    options: Callable[..., ReplayOptions], server: TestServer
) -> None:
    with pytest.raises(ReplayRefusedError, match="answered 401: unknown key"):
        await replay(options(endpoint=endpoint_of(server, key="wrong")))


async def test_a_simulator_that_refuses_recordings_ends_it(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.control_status = 413
    with pytest.raises(ReplayRefusedError, match="took no recordings: status 413"):
        await replay(options())


async def test_real_providers_are_called_without_recordings_and_without_accuracy(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    report = (await replay(options(simulator_url="", real=True))).report
    assert gateway.recordings == {}
    assert all(one.total.accuracy is None and one.total.answered == 6 for one in report.passes)
    assert "real providers" in report.accuracy_skipped


async def test_an_answer_from_a_real_provider_stops_a_run_that_was_not_told_it_may_cost_money(
    options: Callable[..., ReplayOptions], gateway: FakeGateway
) -> None:
    gateway.simulated = False
    stopped = await replay(options(concurrency=1))
    assert stopped.stopped_because == "dear-model was answered by a real provider; pass --real if that is meant"
    assert len(gateway.requests) == 1
    assert (await replay(options(real=True))).stopped_because == ""


async def test_a_ledger_that_the_key_may_not_read_is_said_so(
    options: Callable[..., ReplayOptions], gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbid(_: object) -> Any:
        return failure(403, "scope analytics is missing")

    monkeypatch.setattr(gateway, "cost_summary", forbid)
    server = await gateway.start()
    ledger = (await replay(options(endpoint=endpoint_of(server)))).report.ledger
    await server.close()
    assert ledger is not None
    assert not ledger.holds
    assert ledger.problem == "/analytics/cost-summary answered 403: scope analytics is missing"
