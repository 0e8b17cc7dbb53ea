"""What one web process holds while it runs, for the routes that look at the process itself."""

from __future__ import annotations

from dataclasses import dataclass

from governance.principals import Pool
from governance.redis_pipe import RedisPipe
from inference import catalog
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
        """Every provider this deployment can call, and how it is doing: `failing` while one of its models is left alone
        for its failures."""
        open_now = self.breakers.open_now()
        failing = {model.provider for model in catalog.registry().models if model.id in open_now}
        states = {True: "simulated", False: "ok"}
        return {
            name: "failing" if name in failing else states[simulated]
            for name, simulated in self.targets.providers().items()
        }


class _Installed:
    runtime: Runtime | None = None


def install(runtime: Runtime | None) -> None:
    """Called by the wiring at start and, with None, at shutdown."""
    _Installed.runtime = runtime


def current() -> Runtime:
    assert _Installed.runtime is not None, "the server has not been started"
    return _Installed.runtime
