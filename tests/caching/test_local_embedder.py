"""The local embedder, with the weights that are installed."""

from __future__ import annotations

import stat

import numpy as np
import pytest

from caching.embeddings import build
from caching.embeddings.local import LocalEmbedder

QUESTION = "How do I reset my password?"


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder()


def test_a_vector_has_length_one_and_is_the_same_alone_and_in_company(embedder):
    (alone,) = embedder.embed_now([QUESTION])
    _, together = embedder.embed_now(["word " * 300, QUESTION])
    assert alone.shape == (embedder.dimensions,)
    assert np.linalg.norm(alone) == pytest.approx(1, abs=1e-4)
    assert np.array_equal(alone, together)


def test_vectors_are_those_of_the_version_that_they_are_kept_under(embedder):
    """Entries of this version are in stores already: whatever changes these figures must change the version."""
    (vector,) = embedder.embed_now([QUESTION])
    assert embedder.version == "minilm-l6-v2-int8-1"
    assert vector[:6] == pytest.approx([0.0076, -0.0644, -0.0731, -0.0308, -0.0489, 0.0678], abs=0.004)


def test_the_same_in_other_words_is_nearer_than_another_question(embedder):
    asked, reworded, other = embedder.embed_now(
        [QUESTION, "I forgot my password, how can I set a new one?", "What is the capital of France?"]
    )
    assert asked @ reworded > 0.6 > 0.3 > asked @ other


def test_the_weights_lie_beside_the_graph_for_every_process_to_map():
    graph = build.model_file()
    weights = graph.with_name("weights.bin")
    assert graph.stat().st_size < 2**20 < weights.stat().st_size
    assert stat.S_IMODE(weights.stat().st_mode) == stat.S_IMODE(graph.stat().st_mode)


def test_a_model_that_somebody_else_has_built_meanwhile_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "_folders", lambda: [tmp_path])

    def build_after_another(_weights, _scratch, built):
        for folder in (tmp_path / "model", built):
            folder.mkdir(exist_ok=True)
            (folder / "graph.onnx").write_text(folder.parent.name)

    monkeypatch.setattr(build, "_quantize", build_after_another)
    assert build._build("model").read_text() == tmp_path.name
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_what_older_recipes_made_goes_when_another_is_built_and_nothing_else_does(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "_folders", lambda: [tmp_path])
    monkeypatch.setattr(build, "_quantize", lambda _weights, _scratch, built: (built / "graph.onnx").write_text("new"))
    (tmp_path / "minilm-int8-0123456789abcdef.onnx").write_text("the oldest")
    (tmp_path / "minilm-int8-fedcba9876543210").mkdir()
    (tmp_path / "minilm-int8-fedcba9876543210" / "graph.onnx").write_text("old")
    for other in ("notes.txt", "minilm-int8-mine", "minilm-int8-0123456789abcdef.onnx.bak"):
        (tmp_path / other).write_text("somebody else's")
    built = build._build("minilm-int8-aaaaaaaaaaaaaaaa")
    assert built.read_text() == "new"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "minilm-int8-0123456789abcdef.onnx.bak", "minilm-int8-aaaaaaaaaaaaaaaa", "minilm-int8-mine", "notes.txt",
    ]  # fmt: skip
