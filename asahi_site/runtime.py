"""What one web process holds while it runs, for the routes that look at the process itself."""

from __future__ import annotations

from dataclasses import dataclass

from governance.principals import Pool
from governance.redis_pipe import RedisPipe
from inference.providers.breaker import Breakers
from inference.providers.standing import Standing
from inference.providers.targets import Targets


@dataclass(frozen=True, slots=True)
class Runtime:
    """Connections of one web process."""

    process_id: str
    pool: Pool
    pipe: RedisPipe
    targets: Targets
    breakers: Breakers
    standing: Standing


class _Installed:
    runtime: Runtime | None = None


def install(runtime: Runtime | None) -> None:
    """Called by the wiring at start and, with None, at shutdown."""
    _Installed.runtime = runtime


def current() -> Runtime:
    assert _Installed.runtime is not None, "the server has not been started"
    return _Installed.runtime
