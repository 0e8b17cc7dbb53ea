"""Where and on what a benchmark ran: without it a figure means nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

HOT_PATH = ("django", "django-ninja", "uvicorn", "uvloop", "httptools", "aiohttp", "redis", "hiredis", "msgspec")


def machine() -> dict[str, object]:
    """The processor, its cores, the memory, and how busy the machine is."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": platform.release(),
        "load_average": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    """Python and the packages on the hot path."""
    found = {name: metadata.version(name) for name in HOT_PATH}
    return {"python": platform.python_version(), **found}


def git_head(root: Path) -> dict[str, object]:
    """The commit that was measured, and whether the tree differs from it; empty outside a checkout."""
    try:
        head = _git(root, "rev-parse", "HEAD").strip()
        return {"head": head, "modified": bool(_git(root, "status", "--porcelain", "--untracked-files=no").strip())}
    except (OSError, subprocess.CalledProcessError):
        return {}


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout  # noqa: S603
