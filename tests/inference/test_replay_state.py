"""A run's record survives a kill at any byte, is written by one process at a time, and is put aside when complete."""

from pathlib import Path

import pytest

from inference.replay.state import Done, RunState, StateLockedError

ANSWER = Done(step=1, item=2, request_id="req_1", model="m", tier="t1", cost_nano=7, original_nano=9, score=0.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "run.jsonl"


def test_a_reopened_record_is_the_same_run_with_what_was_done(path: Path) -> None:
    with RunState(path, now=12.0) as state:
        state.add(ANSWER)
        run_id = state.started.run_id
        assert not state.is_resumed
    with RunState(path, now=99.0) as again:
        assert again.is_resumed
        assert (again.started.run_id, again.started.started_at) == (run_id, 12.0)
        assert again.done == {(1, 2): ANSWER}
        assert again.charged_nano == 7


def test_a_record_cut_at_any_byte_keeps_every_whole_line_and_can_be_written_on(path: Path) -> None:
    with RunState(path, now=0.0) as state:
        state.add(ANSWER)
        state.add(Done(step=1, item=3))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with RunState(path, now=0.0) as cut:
            rows = max(0, whole[:length].count(b"\n") - 1)
            assert len(cut.done) == rows
            cut.add(Done(step=9, item=9))
        with RunState(path, now=0.0) as again:
            assert again.is_resumed
            assert len(again.done) == rows + 1


def test_a_failed_row_is_asked_again_on_resume_and_its_charge_stays_counted(path: Path) -> None:
    with RunState(path, now=0.0) as state:
        state.add(Done(step=0, item=0, lost_nano=5, error="503: down"))
    with RunState(path, now=0.0) as again:
        assert again.done == {}
        again.add(Done(step=0, item=0, cost_nano=3))
        assert again.charged_nano == 8


def test_two_processes_cannot_write_one_record(path: Path) -> None:
    with RunState(path, now=0.0), pytest.raises(StateLockedError):
        RunState(path, now=0.0)


def test_restart_forgets_what_was_done(path: Path) -> None:
    with RunState(path, now=0.0) as state:
        state.add(ANSWER)
    with RunState(path, now=0.0, restart=True) as fresh:
        assert not fresh.is_resumed
        assert (fresh.done, fresh.charged_nano) == ({}, 0)
        assert fresh.started.run_id != state.started.run_id


def test_a_finished_run_leaves_the_next_one_to_start_afresh(path: Path) -> None:
    with RunState(path, now=0.0) as state:
        state.add(ANSWER)
        state.finish()
    with RunState(path, now=0.0) as following:
        assert not following.is_resumed
    assert path.with_suffix(".done.jsonl").exists()
