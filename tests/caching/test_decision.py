"""The decision of T2 over what is near, and the gate behind it."""

from dataclasses import replace

import pytest

from caching.domain import Neighbour, Outcome, Thresholds
from caching.gate import FEATURES, default_gate, read_gate
from caching.semantic import BY_TASK, DEFAULT, decide, doubt_about, thresholds_for


def near(text, similarity=0.95, answer="a", entry="1"):
    return Neighbour(entry, text, similarity, answer)


def test_an_empty_scope_is_a_miss():
    assert decide("Where is Norway?", [], DEFAULT).outcome is Outcome.MISS


def test_a_reworded_question_is_a_hit_and_says_which_entry():
    decision = decide("How can I reset my password?", [near("How do I reset my password?", entry="7")], DEFAULT)
    assert (decision.outcome, decision.entry, decision.guard) == (Outcome.HIT, "7", "")


def test_a_veto_outweighs_any_similarity_and_names_its_guard():
    decision = decide("Should I sell Tesla?", [near("Should I buy Tesla?", 0.999)], DEFAULT)
    assert (decision.outcome, decision.guard) == (Outcome.MISS, "polarity")


def test_what_is_not_near_is_not_looked_at():
    assert decide("Should I sell Tesla?", [near("Should I buy Tesla?", 0.4)], DEFAULT).guard == ""


def test_another_wording_of_the_same_answer_is_tried_after_a_veto():
    entries = [near("How do I lower the limit?", 0.97, entry="1"), near("How do I raise a limit?", 0.96, entry="2")]
    decision = decide("How do I raise the limit?", entries, DEFAULT)
    assert (decision.outcome, decision.entry) == (Outcome.HIT, "2")


def test_between_the_thresholds_a_verifier_is_asked():
    entry, band = [near("How do I reset my password?", 0.9)], Thresholds(floor=0.5, verify=0.1, accept=1.0)
    assert decide("How can I reset my password?", entry, band).outcome is Outcome.VERIFY


def test_a_learned_threshold_takes_the_place_of_the_first_one():
    entry = [near("How do I reset my password?")]
    assert decide("How can I reset my password?", entry, DEFAULT).outcome is Outcome.HIT
    unsure = replace(DEFAULT, certain=1.1)
    assert decide("How can I reset my password?", entry, unsure).outcome is not Outcome.HIT


def test_where_a_mismatch_costs_more_the_first_threshold_holds_beside_the_learned_one():
    entry = [near("How do I reset my password?", 0.86)]
    lax = replace(DEFAULT, certain=0.0, accept=0.99)
    assert decide("How can I reset my password?", entry, lax).outcome is Outcome.HIT
    assert decide("How can I reset my password?", entry, replace(lax, strict=True)).outcome is not Outcome.HIT
    assert all(thresholds.strict for thresholds in BY_TASK.values())


def test_near_entries_with_another_answer_cast_doubt_and_the_same_answer_lends_weight():
    alone = doubt_about([near("x")])
    supported = doubt_about([near("x"), near("y", 0.94), near("z", 0.94, answer="b")])
    contested = doubt_about([near("x"), near("z", 0.94, answer="b")])
    assert alone == 0 < supported < contested < 1


def test_the_gate_is_the_same_every_time_and_trusts_similarity():
    gate = default_gate()
    scores = [gate.score((similarity, 0.0, 0.5)) for similarity in (0.6, 0.7, 0.8, 0.9, 1.0)]
    assert scores == sorted(scores)
    assert scores == [gate.score((similarity, 0.0, 0.5)) for similarity in (0.6, 0.7, 0.8, 0.9, 1.0)]
    assert gate.score((0.9, 0.8, 0.5)) < gate.score((0.9, 0.0, 0.5))


def test_a_gate_for_other_features_is_refused():
    with pytest.raises(ValueError, match="train_gate"):
        read_gate({"bias": 0.0, "weights": dict.fromkeys(FEATURES[:-1], 1.0)})


@pytest.mark.parametrize("task", BY_TASK)
def test_where_a_mismatch_costs_more_more_is_asked(task):
    assert thresholds_for(task).accept > thresholds_for("qa").accept
    exact = [near("How do I reset my password?", 1.0)]
    assert decide("How do I reset my password?", exact, thresholds_for(task)).outcome is Outcome.HIT
