"""How the providers stand: what an organization's calls had better avoid, and what operators are shown."""

from __future__ import annotations

from governance.domain import Accounts
from inference.providers.breaker import Breakers
from inference.providers.targets import Targets
from inference.providers.traffic import Traffic
from inference.registry import Registry


class Standing:
    """Reads what the calls of this process have found out."""

    def __init__(self, registry: Registry, targets: Targets, breakers: Breakers, traffic: Traffic) -> None:
        self._provider_of = {model.id: model.provider for model in registry.models}
        self._targets = targets
        self._breakers = breakers
        self._traffic = traffic

    def failing(self, accounts: Accounts) -> frozenset[str]:
        """The models that are being left alone because they keep failing when called with these accounts."""
        shared = self._breakers.open_now()
        if not accounts or self._breakers.all_closed:
            return shared
        own = (self._breakers.open_now(account.id) for account in accounts.values())
        return frozenset(m for m in shared if self._provider_of.get(m) not in accounts).union(*own)

    def states(self) -> dict[str, str]:
        """Every provider that serves a model here: `ok` or `simulated`, `failing` while one of its models is left alone
        for its failures, `degraded` while half of all calls to it fail."""
        serving = set(self._provider_of.values())
        return {
            name: self._state(name, simulated=simulated)
            for name, simulated in self._targets.providers().items()
            if name in serving
        }

    def _state(self, provider: str, *, simulated: bool) -> str:
        if any(self._provider_of.get(model) == provider for model in self._breakers.open_now()):
            return "failing"
        if self._traffic.in_trouble(provider):
            return "degraded"
        return "simulated" if simulated else "ok"
