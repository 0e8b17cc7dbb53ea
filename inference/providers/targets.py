"""Where each model's calls go: the provider's address and whose key for it, or the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from governance.addresses import AddressGuard
from governance.domain import NO_ACCOUNTS, Accounts, ProviderAccount
from inference.domain import Model, Wire
from inference.providers.addresses import address_of
from inference.providers.upstream import Patience, Target
from inference.registry import ProviderConfig, Registry

ANTHROPIC_VERSION = "2023-06-01"
_PATHS = {
    Wire.CHAT: "/chat/completions",
    Wire.MESSAGES: "/messages",
    Wire.RESPONSES: "/responses",
    Wire.EMBEDDINGS: "/embeddings",
}
_SIMULATED_PREFIX = {"openai": "/openai/v1", "anthropic": "/anthropic/v1", "cohere": "/compat/cohere/v1"}

Book = Mapping[Wire, Target]
"""One provider's targets: which wire a model speaks is the registry's to say."""


class Targets:
    """The address book: this deployment's own accounts, and those of the organizations that have some.

    A provider that the deployment is not configured for is simulated if a simulator runs, else not there. An
    organization's own account goes before either, unless everything is simulated.
    """

    def __init__(
        self, registry: Registry, *, environ: Mapping[str, str], simulator_url: str, simulate: bool | None,
        patience: Patience | None = None, guard: AddressGuard | None = None,
    ) -> None:  # fmt: skip
        """`simulate`: True for every provider, False for none, None for exactly those that are not configured.
        `patience` is what providers get that have no timeouts of their own, `guard` judges organizations' addresses."""
        self._providers = registry.providers
        self._patience = patience
        self._guard = guard or AddressGuard()
        self._all_simulated = simulate is True and bool(simulator_url)
        self._addresses = {provider.id: address_of(provider, environ) for provider in self._providers.values()}
        self._targets: dict[str, Book] = {}
        for provider in self._providers.values():
            key = environ.get(provider.key_env, "").strip() if provider.key_env else ""
            configured = bool(self._addresses[provider.id]) and (bool(key) or provider.key_optional)
            if simulator_url and (simulate is True or (simulate is None and not configured)):
                self._targets[provider.id] = self._simulated(provider, simulator_url)
            elif configured:
                self._targets[provider.id] = self._book(provider, self._addresses[provider.id], key)
        self._reach = frozenset(self._targets)
        self._own: WeakKeyDictionary[ProviderAccount, Book] = WeakKeyDictionary()

    def for_model(self, model: Model, wire: Wire, accounts: Accounts = NO_ACCOUNTS) -> Target | None:
        """Where the model takes calls in this wire. None when the provider cannot be called."""
        book = self._book_of(model.provider, accounts)
        return None if book is None else book[wire]

    def reach(self, accounts: Accounts = NO_ACCOUNTS) -> frozenset[str]:
        """The providers that can be called with these accounts."""
        if not accounts or self._all_simulated:
            return self._reach
        own = [name for name, account in accounts.items() if self._own_book(account) is not None]
        return self._reach.difference(accounts).union(own)

    def available(self, provider: str, accounts: Accounts = NO_ACCOUNTS) -> bool:
        return self._book_of(provider, accounts) is not None

    @property
    def simulated(self) -> bool:
        """Whether any provider is simulated."""
        return any(self.providers().values())

    def providers(self) -> dict[str, bool]:
        """Every provider that this deployment's own accounts reach, and whether it is simulated."""
        return {name: book[Wire.CHAT].simulated for name, book in self._targets.items()}

    def _book_of(self, provider: str, accounts: Accounts) -> Book | None:
        if accounts and not self._all_simulated:
            account = accounts.get(provider)
            if account is not None:
                return self._own_book(account)
        return self._targets.get(provider)

    def _own_book(self, account: ProviderAccount) -> Book | None:
        """Kept for as long as the account is. An account that cannot be used is not replaced by the deployment's."""
        known = self._own.get(account)
        if known is not None:
            return known
        provider = self._providers.get(account.provider)
        address = account.base_url or self._addresses.get(account.provider, "")
        if provider is None or not account.secret or not address:
            return None
        if account.base_url and self._guard.problem_with(account.base_url):
            return None
        book = self._own[account] = self._book(provider, address, account.secret, account=account)
        return book

    def _simulated(self, provider: ProviderConfig, simulator_url: str) -> Book:
        prefix = _SIMULATED_PREFIX.get(provider.id, f"/compat/{provider.id}/v1")
        return self._book(provider, simulator_url.rstrip("/") + prefix, "simulated", simulated=True)

    def _book(
        self, provider: ProviderConfig, address: str, key: str, *, simulated: bool = False,
        account: ProviderAccount | None = None,
    ) -> Book:  # fmt: skip
        headers = _headers(provider, key, simulated=simulated)
        patience = self._patience_for(provider)
        return {
            wire: Target(
                provider=provider.id,
                wire=wire,
                url=address + path,
                headers=headers,
                simulated=simulated,
                patience=patience,
                account=account.id if account else "",
                hint=account.hint if account else "",
                guarded=bool(account and account.base_url),
            )
            for wire, path in _PATHS.items()
        }

    def _patience_for(self, provider: ProviderConfig) -> Patience | None:
        own, shared = provider.timeouts, self._patience
        if shared is None or (own.connect is None and own.first_byte is None and own.idle is None):
            return None
        return Patience(
            shared.connect if own.connect is None else own.connect,
            shared.first_byte if own.first_byte is None else own.first_byte,
            shared.idle if own.idle is None else own.idle,
        )


def _headers(provider: ProviderConfig, key: str, *, simulated: bool) -> tuple[tuple[str, str], ...]:
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    if key:
        auth = _simulators_auth(provider) if simulated else provider.auth
        headers = (*headers, ("authorization", f"Bearer {key}") if auth == "bearer" else (auth, key))
    return (*headers, ("anthropic-version", ANTHROPIC_VERSION)) if provider.wire is Wire.MESSAGES else headers


def _simulators_auth(provider: ProviderConfig) -> str:
    """The simulator asks as the makers of each wire do."""
    return "x-api-key" if provider.wire is Wire.MESSAGES else "bearer"
