"""Every workload format is told by its fields and becomes questions with the answers that were recorded."""

import json
from pathlib import Path

import pytest

from inference.replay import SAMPLES
from inference.replay.formats import ANYONE, Question
from inference.replay.workload import Stand, Workload, WorkloadError, check_stands, describe_stand, read_workload


def read(tmp_path: Path, *rows: object, limit: int | None = None, shuffle: int | None = None) -> Workload:
    path = tmp_path / "workload.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_workload([path], limit=limit, shuffle=shuffle)


def questions(workload: Workload) -> list[Question]:
    return [item.question for item in workload.items]


def outcome(prompt: str, weak: int, strong: int) -> dict[str, object]:
    return {"subject": "s", "prompt": prompt, "weak_correct": weak, "strong_correct": strong}


def test_recorded_texts_and_outcomes_are_kept_for_both_models(tmp_path: Path) -> None:
    models = {"weak_model": "mixtral", "weak_answer": "5", "strong_model": "gpt-4", "strong_answer": "4"}
    row = outcome("2 + 2?", 0, 1) | models
    (question,) = questions(read(tmp_path, row))
    assert (question.weak, question.strong) == ("mixtral", "gpt-4")
    assert {name: (one.text, one.score) for name, one in question.answers.items()} == {
        "mixtral": ("5", 0.0),
        "gpt-4": ("4", 1.0),
    }


def test_an_outcome_without_text_gets_a_text_of_its_own_per_question_model_and_outcome(tmp_path: Path) -> None:
    first, second = questions(read(tmp_path, outcome("one", 1, 1), outcome("two", 0, 1)))
    texts = [answer.text for question in (first, second) for answer in question.answers.values()]
    assert len(set(texts)) == 4
    assert "score 0" in second.answers["weak"].text


def test_a_question_asked_twice_shares_its_first_recorded_text_but_keeps_each_rows_outcome(tmp_path: Path) -> None:
    first, again = questions(read(tmp_path, outcome("same", 1, 1), outcome("same", 0, 1)))
    assert first.answers["weak"].text == again.answers["weak"].text
    assert (first.answers["weak"].score, again.answers["weak"].score) == (1.0, 0.0)


def test_of_a_pool_the_best_stands_for_strong_and_the_median_for_weak(tmp_path: Path) -> None:
    rows = [{"task": "t", "prompt": str(n), "score_by_model": {"bad": 0.0, "fair": 0.5, "best": 1.0}} for n in range(2)]
    assert {(question.weak, question.strong) for question in questions(read(tmp_path, *rows))} == {("fair", "best")}


def test_who_stands_for_weak_and_strong_does_not_depend_on_the_limit(tmp_path: Path) -> None:
    scores = [{"good": 0.0, "lucky": 1.0, "poor": 0.0}, *({"good": 1.0, "lucky": 0.5, "poor": 0.0} for _ in range(3))]
    rows = [{"prompt": str(n), "score_by_model": one} for n, one in enumerate(scores)]
    (question,) = questions(read(tmp_path, *rows, limit=1))
    assert (question.weak, question.strong) == ("lucky", "good")


def test_a_judged_second_turn_is_asked_after_the_first(tmp_path: Path) -> None:
    row = {"question_id": 1, "turn": 2, "turns": ["Write.", "Rewrite."], "scores": {"a": 7, "b": 9.5}}
    (question,) = questions(read(tmp_path, row))
    assert [message["role"] for message in question.body["messages"]] == ["user", "assistant", "user"]
    assert question.prompt == "Rewrite."
    assert (question.answers["a"].score, question.answers["b"].score) == (0.7, 0.95)
    assert (question.weak, question.strong) == ("a", "b")


def test_questions_of_one_intent_share_one_answer(tmp_path: Path) -> None:
    rows = [{"text": text, "intent": intent} for text, intent in (("a", "x"), ("b", "x"), ("c", "y"))]
    first, second, third = (question.answers[ANYONE].text for question in questions(read(tmp_path, *rows)))
    assert first == second != third


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("cached", "query"), ("origin", "similar")])
def test_all_first_questions_of_pairs_are_asked_before_the_second_ones(tmp_path: Path, first: str, second: str) -> None:
    labelled = [("p", "q", True), ("p", "r", False), ("s", "q", True)]
    rows = [{first: one, second: other, "same": same} for one, other, same in labelled]
    asked = questions(read(tmp_path, *rows))
    assert [question.prompt for question in asked] == ["p", "s", "q", "r", "q"]
    texts = {question.prompt: question.answers[ANYONE].text for question in asked}
    assert texts["p"] == texts["q"] == texts["s"] != texts["r"]


def test_pairs_of_statements_without_a_label_are_the_same(tmp_path: Path) -> None:
    first, second = questions(read(tmp_path, {"origin": "p", "similar": "q", "id": 3}))
    assert first.answers == second.answers


def test_a_passage_is_asked_about_with_its_text(tmp_path: Path) -> None:
    row = {"question": "where?", "answers": ["Oak Island", "Nova Scotia"], "title": "Curse", "text": "Treasure lies."}
    (question,) = questions(read(tmp_path, row))
    assert "Curse\nTreasure lies." in question.prompt
    assert question.prompt.endswith("where?")
    assert question.answers[ANYONE].text == "Oak Island"


def test_every_query_about_a_meeting_shares_its_document_and_prefix(tmp_path: Path) -> None:
    row = {
        "meeting_transcripts": [{"speaker": "Ada", "content": "Hello."}, {"speaker": "Bo", "content": "Hi."}],
        "general_query_list": [{"query": "What?", "answer": "Greetings."}],
        "specific_query_list": [{"query": "Who?", "answer": "Ada.", "relevant_text_span": [["0", "1"]]}],
    }
    what, who = questions(read(tmp_path, row))
    assert what.document == who.document != ""
    assert what.prompt.startswith("Transcript of a meeting:\nAda: Hello.\nBo: Hi.")
    assert who.prompt.endswith("Who?")
    assert (what.answers[ANYONE].text, who.answers[ANYONE].text) == ("Greetings.", "Ada.")


def test_a_chat_body_keeps_every_field_but_model_and_streaming(tmp_path: Path) -> None:
    row = {"model": "gpt-x", "stream": True, "temperature": 0.5, "messages": [{"role": "user", "content": "Hi"}]}
    workload = read(tmp_path, row)
    assert questions(workload)[0].body == {"temperature": 0.5, "messages": row["messages"]}
    assert not workload.is_recorded


def test_limit_takes_rows_after_shuffling_the_same_way_for_the_same_seed(tmp_path: Path) -> None:
    rows = [outcome(str(n), 1, 1) for n in range(50)]
    once, again, other, plain = (
        [question.prompt for question in questions(read(tmp_path, *rows, limit=5, shuffle=seed))]
        for seed in (7, 7, 8, None)
    )
    assert once == again != other
    assert plain == ["0", "1", "2", "3", "4"]


def test_several_files_are_one_workload_that_remembers_where_each_question_is_from(tmp_path: Path) -> None:
    for name, text in (("one", "a"), ("two", "b")):
        (tmp_path / name).write_text(json.dumps({"text": text, "intent": "x"}))
    workload = read_workload([tmp_path / "one", tmp_path / "two"], limit=None, shuffle=None)
    assert [(workload.sources[item.source].name, item.question.prompt) for item in workload.items] == [
        ("one", "a"),
        ("two", "b"),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty"),
        ("[1]\n", ":1: Expected `object`"),
        ('{"text": "a", "intent": "x"}\n\n{"text": "a"', ":3: Input data was truncated"),
        ('{"text": "a", "intent": "x"}\n{"text": "a"}', ":2: Object missing required field `intent`"),
        ('{"text": 1, "intent": "x"}', ":1: Expected `str`, got `int`"),
        ('{"foo": 1, "bar": 2}', "no workload format has the fields bar, foo"),
        ('{"messages": []}', "must be a list of objects, and not empty"),
        ('{"turns": ["a"], "turn": 2, "scores": {"m": 1}}', "turn 2 is not one of its 1 turns"),
        ('{"prompt": "a", "score_by_model": {}}', "no model has a score in every row"),
        ('{"meeting_transcripts": []}', "nothing to ask"),
        ('{"text": "\udcff", "intent": "x"}', ":1: 'utf-8' codec can't decode"),
    ],
)  # fmt: skip
def test_a_line_that_does_not_fit_is_named(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(WorkloadError) as refused:
        read_workload([path], limit=None, shuffle=None)
    assert problem in str(refused.value)
    assert "bad.jsonl" in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"gone\.jsonl: No such file"):
        read_workload([tmp_path / "gone.jsonl"], limit=None, shuffle=None)


def test_a_named_recorded_model_stands_in_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    rows = [{"prompt": "p", "score_by_model": {"small": 0.0, "big": 1.0, "other": 0.3}}]
    workload = read(tmp_path, *rows)
    stand = Stand.parse("registered=other")
    check_stands(workload, stand)
    recorded = stand.stands_for(workload.items[0].question, "big")
    assert recorded is not None
    assert recorded.score == 0.3
    assert describe_stand(workload, stand, "weak") == ["other"]
    assert describe_stand(workload, Stand.parse("registered"), "strong") == ["big"]
    with pytest.raises(WorkloadError, match="no recordings of 'nobody'; it has: big, other, small"):
        check_stands(workload, Stand.parse("registered=nobody"))


@pytest.mark.parametrize("text", ["", "=a", "a="])
def test_half_a_stand_is_refused(text: str) -> None:
    with pytest.raises(WorkloadError, match="REGISTERED=RECORDED"):
        Stand.parse(text)


def test_the_shipped_sample_is_small_attributed_and_recorded_for_both_models() -> None:
    workload = read_workload(SAMPLES, limit=None, shuffle=None)
    folder = SAMPLES[0].parent
    assert sum(path.stat().st_size for path in SAMPLES) < 400_000
    assert len(workload.items) == 480
    assert all(
        question.weak in question.answers and question.strong in question.answers for question in questions(workload)
    )
    notice = (folder / "NOTICE.md").read_text()
    assert all(path.name in notice for path in SAMPLES)
    assert (folder / "LICENSE-APACHE-2.0.txt").exists()
