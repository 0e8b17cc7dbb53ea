"""What schemathesis loads before it calls: a check of ours, and a tally of what was answered.

A 503 stands for two things. That no model fits what a call demands is a right answer to demands that nobody can
meet, and generated calls make such demands; all else with a 5xx is trouble.
"""

from __future__ import annotations

import atexit
import json
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis

_tally: Counter[str] = Counter()


@schemathesis.check
def no_trouble(ctx: Any, response: Any, case: Any) -> None:
    """No 5xx, but for demands that no model meets."""
    if response.status_code < 500:
        return
    said = response.content.decode(errors="replace")
    assert response.status_code == 503, said
    assert "No model is left for this call" in said, said


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Counts."""
    _tally[f"{case.method} {case.operation.path} {response.status_code}"] += 1


@atexit.register
def _write_tally() -> None:
    Path("tally.json").write_text(json.dumps(_tally, indent=1, sort_keys=True))
