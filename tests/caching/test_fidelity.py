"""`manage.py fidelity`: what it reads, what it prints, and what it refuses."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

KEYS = {
    "rows", "precision", "recall", "false_accept_rate", "hit_rate", "error_rate", "p50_ms", "p95_ms", "by_category",
}  # fmt: skip


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def figures(*arguments):
    out = StringIO()
    call_command("fidelity", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


PAIRS = [
    {"a": "How do I reset my password?", "b": "How can I reset my password?", "same": True, "test": "reworded"},
    {"a": "Should I buy bonds?", "b": "Should I sell bonds?", "same": False, "test": "opposite"},
]


def test_pairs_are_counted_by_category(tmp_path):
    found = figures(write(tmp_path / "pairs.jsonl", PAIRS))
    assert set(found) == KEYS
    assert (found["rows"], found["precision"], found["recall"], found["false_accept_rate"]) == (2, 1.0, 1.0, 0.0)
    assert (found["hit_rate"], found["error_rate"]) == (0.5, 0.0)
    assert found["by_category"]["opposite"]["rows"] == 1
    assert 0 < found["p50_ms"] <= found["p95_ms"]


def test_pairs_of_cached_and_query_are_read_too(tmp_path):
    rows = [{"cached": row["a"], "query": row["b"], "same": row["same"], "category": "x"} for row in PAIRS]
    assert figures(write(tmp_path / "pairs.jsonl", rows))["hit_rate"] == 0.5


def test_of_rephrasings_every_second_origin_is_cached(tmp_path):
    rows = [
        {"origin": "Cats sleep for most of the day.", "similar": "Most of the day, cats sleep."},
        {"origin": "The bridge was painted green in spring.", "similar": "In spring the bridge was painted green."},
    ]
    found = figures(write(tmp_path / "rephrasings.jsonl", rows))
    absent = found["by_category"]["rephrasings.jsonl: absent"]
    assert (found["rows"], absent["rows"], absent["false_accept_rate"]) == (2, 1, 0.0)
    assert found["recall"] == 1.0


def test_a_stream_serves_what_it_has_seen_before(tmp_path):
    rows = [{"text": "How do I change my PIN?", "intent": "pin"}, {"text": "How can I change my PIN?", "intent": "pin"}]
    found = figures(write(tmp_path / "stream.jsonl", [*rows, {"text": "Where is Norway?", "intent": "norway"}]))
    assert (found["rows"], found["error_rate"]) == (3, 0.0)


def test_several_files_are_pooled(tmp_path):
    one, two = write(tmp_path / "one.jsonl", PAIRS), write(tmp_path / "two.jsonl", PAIRS)
    assert figures(one, two)["rows"] == 4


def test_a_figure_without_anything_behind_it_is_null(tmp_path):
    found = figures(write(tmp_path / "traps.jsonl", PAIRS[1:]))
    assert found["precision"] is None
    assert found["recall"] is None


def test_the_table_names_every_category(tmp_path):
    out = StringIO()
    call_command("fidelity", write(tmp_path / "pairs.jsonl", PAIRS), stdout=out)
    assert "reworded" in out.getvalue()
    assert "opposite" in out.getvalue()


def test_what_must_not_be_cached_is_not_served(tmp_path):
    question = "What is the exchange rate today?"
    assert figures(write(tmp_path / "p.jsonl", [{"a": question, "b": question, "same": True}]))["hit_rate"] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no rows"),
        ("{", "line 1 is not JSON"),
        ("[]", "line 1 is not an object"),
        ('{"x": 1}', "none of the known sets of fields"),
        ('{"a": "x", "b": "y"}', "`same`"),
        ('{"a": "x", "b": 1, "same": true}', "no text"),
        ('{"text": "x", "intent": "y"}\n{"text": "x"}', "row 2"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_name_and_place(tmp_path, content, said):
    path = tmp_path / "odd.jsonl"
    path.write_text(content)
    with pytest.raises(CommandError, match=r"odd\.jsonl") as refused:
        figures(str(path))
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"nowhere\.jsonl"):
        figures(str(tmp_path / "nowhere.jsonl"))
