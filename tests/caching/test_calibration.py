"""Learning how sure is sure enough, from an organization's own outcomes."""

import math
import random

import pytest

from caching.calibration import Calibration


def replay(error_rate, *, seed, rows=8_000, target=0.01, start=0.88):
    """A stream whose hits at certainty c are wrong with probability error_rate(c). Hit rate and realised error rate."""
    chance, state, hits, wrong = random.Random(seed), Calibration(), 0, 0
    for _ in range(rows):
        certainty = 1 / (1 + math.exp(-chance.gauss(1.0, 2.0)))
        right = chance.random() >= error_rate(certainty)
        learned = state.threshold(target)
        served = certainty >= (start if learned is None else learned)
        served = served and not state.explores(certainty, chance.random())
        state = state.with_request(certainty)
        if served:
            hits, wrong = hits + 1, wrong + (not right)
        else:
            state = state.with_label(certainty, right=right)
    return hits / rows, wrong / rows, state


STREAMS = {
    "as the gate believes": lambda certainty: 1 - certainty,
    "better than the gate believes": lambda certainty: (1 - certainty) / 4,
    "worse than the gate believes": lambda certainty: min(1.0, 3 * (1 - certainty)),
    "never right": lambda certainty: 1.0,
    "always right": lambda certainty: 0.0,
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("target", [0.005, 0.01, 0.03])
def test_errors_stay_near_the_target_and_within_twice_of_it_on_any_stream(stream, target):
    for seed in range(3):
        _, errors, _ = replay(STREAMS[stream], seed=seed, target=target)
        slack = 2.0 if stream == "worse than the gate believes" else 1.4
        assert errors <= slack * target + 0.002  # a cold start costs a short stream something


def test_a_harmless_stream_is_served_more_than_a_dangerous_one():
    easy, _, _ = replay(STREAMS["better than the gate believes"], seed=1)
    hard, _, _ = replay(STREAMS["worse than the gate believes"], seed=1)
    assert easy > hard + 0.1


def test_a_larger_target_serves_more():
    careful, _, _ = replay(STREAMS["as the gate believes"], seed=2, target=0.005)
    bold, _, _ = replay(STREAMS["as the gate believes"], seed=2, target=0.03)
    assert bold > careful


def test_nothing_is_served_when_every_answer_was_wrong():
    _, _, state = replay(STREAMS["never right"], seed=3, rows=2_000)
    assert state.threshold() > 1


def test_nothing_is_concluded_from_a_few_labels():
    state = Calibration()
    for _ in range(30):
        state = state.with_request(0.9).with_label(0.9, right=True)
    assert state.threshold() is None


def test_the_same_outcomes_give_the_same_threshold():
    assert replay(STREAMS["as the gate believes"], seed=4)[2] == replay(STREAMS["as the gate believes"], seed=4)[2]


def test_state_survives_being_stored():
    _, _, state = replay(STREAMS["as the gate believes"], seed=5, rows=1_000)
    stored = state.to_json()
    assert Calibration.from_json(stored) == state
    assert len(stored) < 1_000


@pytest.mark.parametrize("stored", [b"", b"[]", b"{", b'{"seen": [1]}', b'{"requests": "many"}'])
def test_a_state_that_cannot_be_read_is_learned_anew(stored):
    assert Calibration.from_json(stored) == Calibration()


def test_a_proven_error_makes_it_more_careful():
    state = Calibration()
    for number in range(400):
        state = state.with_request(0.95).with_label(0.95, right=True)
        state = state.with_request(0.3).with_label(0.3, right=number % 2 == 0)
    before = state.threshold()
    for _ in range(30):
        state = state.with_label(0.95, right=False)
    assert before <= 0.95 < state.threshold()


def test_well_known_certainties_are_explored_less():
    state = Calibration()
    assert state.explores(0.95, coin=0.05)
    for _ in range(50):
        state = state.with_label(0.95, right=True)
    assert not state.explores(0.95, coin=0.05)
    assert state.explores(0.95, coin=0.01)


def test_old_outcomes_fade():
    state = Calibration(requests=40_000.0)
    assert state.with_request(None).requests == 20_001.0
