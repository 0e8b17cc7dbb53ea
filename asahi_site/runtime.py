"""What one web process holds while it runs, for the routes that look at the process itself."""

from __future__ import annotations

from dataclasses import dataclass

from governance.principals import Pool
from governance.redis_pipe import RedisPipe
from inference.providers.breaker import Breakers
from inference.providers.targets import Targets


@dataclass(frozen=True, slots=True)
class Runtime:
    """Connections of one web process."""

    process_id: str
    pool: Pool
    pipe: RedisPipe
    targets: Targets
    breakers: Breakers

    def providers(self) -> dict[str, str]:
        """Every provider this deployment can call, and how it is doing."""
        return {name: self._state(name, simulated) for name, simulated in self.targets.providers().items()}

    def _state(self, provider: str, simulated: bool) -> str:
        if self.breakers.is_open(provider):
            return "failing"
        return "simulated" if simulated else "ok"


class _Installed:
    runtime: Runtime | None = None


def install(runtime: Runtime | None) -> None:
    """Called by the wiring at start and, with None, at shutdown."""
    _Installed.runtime = runtime


def current() -> Runtime:
    assert _Installed.runtime is not None, "the server has not been started"
    return _Installed.runtime
