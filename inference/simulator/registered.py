"""The models that the gateway's own registry names, so that every registered one can be called.

Only names are read here; whether the file is right is judged by the registry.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import yaml

from inference.simulator.catalogue import Catalogue

DEFAULT_FILE = Path(__file__).resolve().parents[2] / "config" / "models.yaml"


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue with a registry's chat models in it; without the file, only what is known anyway."""
    if not path.exists():
        return Catalogue()
    names: defaultdict[str, set[str]] = defaultdict(set)
    # The loader in C: the one in Python takes most of the time the whole process needs to start.
    for model in yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader).get("models", ()):
        if model.get("wire") != "embeddings":
            names[model["provider"]].add(model.get("upstream_id") or model["id"])
    return Catalogue({provider: frozenset(models) for provider, models in names.items()})
