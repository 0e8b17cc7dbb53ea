"""Calls with an organization's own provider key: they go to its account, are recorded so, and trouble nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from asahi_site import runtime
from asahi_site.gateway_pool import make_pool
from governance.account_uses import AccountUses
from governance.models import ProviderKey
from governance.provider_keys import add_provider_key, disable_provider_key
from tests.gateway.conftest import Served, Simulator, Tenant, database_url_of_tests
from tests.gateway.raw_provider import GOOD_STREAM, RawProvider, Reply, raw_provider, stream, whole

OWN = "sk-own-0123456789-last"
MODEL = "gpt-6-luna"


@pytest.fixture
def openai(gateway: Served) -> Iterator[RawProvider]:
    """The real OpenAI, to which nothing of this deployment goes: it has no key for it."""
    targets = runtime.current().targets
    with raw_provider() as raw:
        before = dict(targets._addresses)
        targets._addresses["openai"] = raw.url.removesuffix("/chat/completions")
        yield raw
        targets._addresses.update(before)


@pytest.fixture
def owner(make_tenant: Callable[..., Tenant], openai: RawProvider) -> Tenant:
    tenant = make_tenant()
    add(tenant)
    return tenant


def add(tenant: Tenant, secret: str = OWN, provider: str = "openai") -> ProviderKey:
    key = add_provider_key(org_id=tenant.org_id, provider=provider, secret=secret)
    assert isinstance(key, ProviderKey)
    return key


def failing(status: int) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        body = b'{"error": {"message": "Incorrect API key provided: sk-own-*****last"}}'
        writer.write(b"HTTP/1.1 %d Never\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))

    return reply


@pytest.mark.parametrize("streamed", [False, True])
def test_a_call_goes_to_the_organizations_own_account(
    gateway: Served, owner: Tenant, openai: RawProvider, simulator: Simulator, streamed: bool
) -> None:
    openai.answers(stream(*GOOD_STREAM) if streamed else whole())
    answer = gateway.chat(owner, f"mine {streamed}", model=MODEL, stream=streamed)
    assert answer.status_code == 200, answer.text
    assert "x-asahi-simulated" not in answer.headers
    assert [seen.headers["authorization"] for seen in openai.seen] == [f"Bearer {OWN}"]
    assert not simulator.calls()
    (entry,) = owner.ledger(1)
    assert (entry.input_tokens, entry.output_tokens) == (5, 2)
    assert entry.cost_nano == 5 * 100 + 2 * 500
    assert entry.receipt["account"] == "own"


def test_others_still_go_where_the_deployment_goes(
    gateway: Served, owner: Tenant, tenant: Tenant, openai: RawProvider, simulator: Simulator
) -> None:
    assert gateway.chat(tenant, "not mine", model=MODEL).status_code == 200
    assert openai.seen == []
    assert len(simulator.calls()) == 1
    assert "account" not in tenant.ledger(1)[0].receipt


def test_a_key_holds_and_ends_within_a_second(
    gateway: Served, tenant: Tenant, openai: RawProvider, simulator: Simulator
) -> None:
    def asked_of_openai(prompt: str) -> bool:
        before = len(openai.seen)
        gateway.chat(tenant, prompt, model=MODEL, headers={"x-asahi-cache": "off"})
        return len(openai.seen) > before

    assert not asked_of_openai("before there is a key")
    key = add(tenant)
    _within_a_second(lambda: asked_of_openai("with a key"))
    disable_provider_key(org_id=tenant.org_id, key_id=key.pk)
    _within_a_second(lambda: not asked_of_openai("without it"))


def _within_a_second(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 1
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_answer_of_the_simulator_is_no_answer_of_the_account_added_since(
    gateway: Served, tenant: Tenant, openai: RawProvider
) -> None:
    assert gateway.chat(tenant, "the same", model=MODEL).headers["x-asahi-cache"] == "miss"
    assert gateway.chat(tenant, "the same", model=MODEL).headers["x-asahi-cache"] == "t1"
    add(tenant)
    _within_a_second(lambda: gateway.chat(tenant, "the same", model=MODEL).headers["x-asahi-cache"] == "miss")
    assert len(openai.seen) == 1
    assert gateway.chat(tenant, "the same", model=MODEL).headers["x-asahi-cache"] == "t1"


@pytest.mark.parametrize("status", [401, 403])
def test_a_bad_key_is_named_and_troubles_nobody_else(
    gateway: Served, owner: Tenant, tenant: Tenant, openai: RawProvider, status: int
) -> None:
    openai.answers(failing(status))
    for number in range(7):
        answer = gateway.chat(owner, f"with a bad key {status} {number}", model=MODEL)
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["code"] == "provider_key_refused"
        assert error["message"] == f"openai refused this organization's own key (...last) for it with status {status}"
        assert OWN not in answer.text
    assert len(openai.seen) == 7, "it is not repeated, and it stays clear why"
    assert gateway.chat(tenant, f"with a good one {status}", model=MODEL).status_code == 200
    assert all(entry.cost_nano == 0 for entry in owner.ledger(7))


def test_an_own_account_that_keeps_failing_is_left_alone_for_its_owner_only(
    gateway: Served, owner: Tenant, tenant: Tenant, openai: RawProvider
) -> None:
    openai.answers(failing(500))
    for number in range(6):
        gateway.chat(owner, f"failing {number}", model=MODEL)
    asked = len(openai.seen)
    refused = gateway.chat(owner, "one more", model=MODEL)
    assert refused.status_code == 503
    assert "keeps failing" in refused.json()["error"]["message"]
    assert len(openai.seen) == asked
    assert gateway.chat(tenant, "somebody else's", model=MODEL).status_code == 200
    assert gateway.http.get("/health").json()["components"]["providers"]["openai"] == "simulated"


async def _write_uses(*accounts: str) -> None:
    pool = make_pool(database_url_of_tests())
    await pool.open()
    uses = AccountUses(pool)
    for account in accounts:
        uses.note(account)
    await uses.write()
    await uses.write()
    await pool.close()


def test_its_use_is_noted(tenant: Tenant, gateway: Served) -> None:
    key, unused = add(tenant), add(tenant, provider="groq")
    asyncio.run(_write_uses(str(key.pk), str(key.pk)))
    key.refresh_from_db()
    unused.refresh_from_db()
    assert unused.last_used_at is None
    assert key.last_used_at is not None
    assert timezone.now() - key.last_used_at < timedelta(seconds=10)


def test_autopilot_uses_a_provider_that_only_the_organization_has(
    gateway: Served, owner: Tenant, openai: RawProvider
) -> None:
    targets = runtime.current().targets
    before, reach = dict(targets._targets), targets._reach
    targets._targets.clear()
    targets._reach = frozenset()
    try:
        answer = gateway.chat(owner, "whichever there is", headers={"x-asahi-cache": "off"})
    finally:
        targets._targets.update(before)
        targets._reach = reach
    assert answer.status_code == 200, answer.text
    assert len(openai.seen) == 1


STORED = [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-123"}}]}]


def ask_about_a_file(gateway: Served, tenant: Tenant, model: str = MODEL) -> httpx.Response:
    return gateway.chat(tenant, "", messages=STORED, model=model)


def test_what_a_provider_keeps_for_an_account_is_named_by_its_owner_alone(
    gateway: Served, owner: Tenant, tenant: Tenant, openai: RawProvider, simulator: Simulator
) -> None:
    assert ask_about_a_file(gateway, owner).status_code == 200
    assert openai.seen[0].body["messages"] == STORED
    refused = ask_about_a_file(gateway, tenant)
    assert refused.status_code == 400
    assert "needs a provider key of your organization's own" in refused.json()["error"]["message"]
    assert not simulator.calls()


def test_an_account_with_another_provider_does_not_help(
    gateway: Served, tenant: Tenant, openai: RawProvider, simulator: Simulator
) -> None:
    add(tenant, provider="groq")
    refused = ask_about_a_file(gateway, tenant)
    assert refused.status_code == 400
    assert "needs a provider key of your organization's own" in refused.json()["error"]["message"]
    assert not openai.seen
    assert not simulator.calls()
