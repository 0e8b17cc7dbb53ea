"""Finding and reading the weights that installed packages carry, without importing those packages.

Importing them would load torch, or code that looks for downloads; all that is wanted here are their files.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KINDS: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
}


class WeightsMissingError(RuntimeError):
    """A package that carries a model's weights is not installed, or not as it was pinned."""


def find_file(distribution: str, name: str) -> Path:
    """The file `name` (a path inside the distribution) where the distribution is installed."""
    try:
        path = Path(str(importlib.metadata.distribution(distribution).locate_file(name)))
    except importlib.metadata.PackageNotFoundError as error:
        raise WeightsMissingError(f"the package {distribution} is not installed") from error
    if not path.is_file():
        raise WeightsMissingError(f"the package {distribution} has no file {name}")
    return path


def map_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Every tensor of a safetensors file, mapped rather than read."""
    mapped = np.memmap(path, dtype=np.uint8, mode="r")
    start = 8 + int.from_bytes(bytes(mapped[:8]), "little")
    header = json.loads(bytes(mapped[8:start]))
    header.pop("__metadata__", None)
    return {name: _tensor(mapped[start:], entry) for name, entry in header.items()}


def _tensor(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    first, last = entry["data_offsets"]
    tensor: NDArray[Any] = data[first:last].view(_KINDS[entry["dtype"]])
    return tensor.reshape(entry["shape"])
