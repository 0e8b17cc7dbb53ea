"""Which paths the lean handler serves; all others are Django's."""

from __future__ import annotations

_PATHS = ("/infer", "/models", "/health")
_PREFIX = "/v1/"
UPLOAD_PATHS = frozenset({"/v1/files", "/v1/messages/batches"})
"""Where bodies may be larger than memory should hold."""


def is_lean(path: str) -> bool:
    """Whether the lean handler serves a path."""
    return path.startswith(_PREFIX) or path in _PATHS
