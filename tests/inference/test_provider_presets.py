"""Every preset reaches its provider: the address, the path of its wire, and the header the key goes in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from governance.addresses import AddressGuard
from governance.domain import ProviderAccount
from inference.catalog import registry
from inference.domain import Model, Wire
from inference.providers.addresses import problems_with
from inference.providers.relay import Relay, RelayLimits
from inference.providers.targets import ANTHROPIC_VERSION, Targets
from inference.providers.upstream import Patience, Target
from tests.gateway.raw_provider import RawProvider, raw_provider

KEY = "the-key"
BEARER = ("authorization", f"Bearer {KEY}")

WHERE = {
    "openai": ("https://api.openai.com/v1/chat/completions", BEARER),
    "anthropic": ("https://api.anthropic.com/v1/messages", ("x-api-key", KEY)),
    "cohere": ("https://api.cohere.ai/compatibility/v1/chat/completions", BEARER),
    "google": ("https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", BEARER),
    "mistral": ("https://api.mistral.ai/v1/chat/completions", BEARER),
    "groq": ("https://api.groq.com/openai/v1/chat/completions", BEARER),
    "deepseek": ("https://api.deepseek.com/chat/completions", BEARER),
    "x-ai": ("https://api.x.ai/v1/chat/completions", BEARER),
    "together": ("https://api.together.xyz/v1/chat/completions", BEARER),
    "fireworks": ("https://api.fireworks.ai/inference/v1/chat/completions", BEARER),
    "cerebras": ("https://api.cerebras.ai/v1/chat/completions", BEARER),
    "moonshotai": ("https://api.moonshot.ai/v1/chat/completions", BEARER),
    "zai": ("https://api.z.ai/api/paas/v4/chat/completions", BEARER),
    "minimax": ("https://api.minimax.io/v1/chat/completions", BEARER),
    "openrouter": ("https://openrouter.ai/api/v1/chat/completions", BEARER),
    "azure": ("https://our-models.openai.azure.com/openai/v1/chat/completions", ("api-key", KEY)),
    "aws": ("https://bedrock-runtime.us-east-2.amazonaws.com/openai/v1/chat/completions", BEARER),
    "perplexity": ("https://api.perplexity.ai/v1/responses", BEARER),
    "nvidia": ("https://integrate.api.nvidia.com/v1/chat/completions", BEARER),
    "deepinfra": ("https://api.deepinfra.com/v1/openai/chat/completions", BEARER),
    "sambanova": ("https://api.sambanova.ai/v1/chat/completions", BEARER),
    "huggingface": ("https://router.huggingface.co/v1/chat/completions", BEARER),
    "ollama": ("http://127.0.0.1:11434/v1/chat/completions", BEARER),
    "vllm": ("http://vllm.models.svc:8000/v1/chat/completions", BEARER),
    "lm-studio": ("http://192.168.1.20:1234/v1/chat/completions", BEARER),
}
ENVIRON = {
    **{provider.key_env: KEY for provider in registry().providers.values()},
    "AZURE_OPENAI_RESOURCE": "our-models",
    "AWS_REGION": "us-east-2",
    "OLLAMA_BASE_URL": "http://127.0.0.1:11434/v1",
    "VLLM_BASE_URL": "http://vllm.models.svc:8000/v1/",
    "LM_STUDIO_BASE_URL": "http://192.168.1.20:1234/v1",
}
PATIENCE = Patience(connect=5, first_byte=300, idle=120)


def a_model(provider: str, wire: Wire = Wire.CHAT) -> Model:
    return replace(registry().models[0], id="a-model", provider=provider, wire=wire)


def targets(environ: dict[str, str] | None = None, **options: object) -> Targets:
    given = {"simulator_url": "", "simulate": False, "patience": PATIENCE, **options}
    return Targets(registry(), environ=ENVIRON if environ is None else environ, **given)  # type: ignore[arg-type]


def target_of(provider: str, **environ: str) -> Target | None:
    wire = registry().providers[provider].wire
    return targets({**ENVIRON, **environ}).for_model(a_model(provider, wire), wire)


def account(provider: str = "openai", secret: str = "sk-own", base_url: str = "") -> ProviderAccount:
    return ProviderAccount("an-id", provider, "-own", base_url, secret)


@pytest.fixture
def raw() -> Iterator[RawProvider]:
    with raw_provider() as provider:
        yield provider


def test_every_preset_is_told_here() -> None:
    assert WHERE.keys() == registry().providers.keys()


@pytest.mark.parametrize("provider", WHERE)
async def test_a_preset_reaches_its_provider(provider: str, raw: RawProvider) -> None:
    target = target_of(provider)
    assert target is not None
    url, (header, key) = WHERE[provider]
    assert target.url == url
    relay = Relay(RelayLimits(PATIENCE, longest=30, max_answer_bytes=10**6, pool_size=2))
    await relay.start()
    try:
        await relay.complete(replace(target, url=raw.url), b"{}")
    finally:
        await relay.stop()
    (seen,) = raw.seen
    assert seen.headers[header] == key
    assert seen.headers["content-type"] == "application/json"
    assert {name for name in ("authorization", "x-api-key", "api-key") if name in seen.headers} == {header}
    assert seen.headers.get("anthropic-version") == (ANTHROPIC_VERSION if provider == "anthropic" else None)


@pytest.mark.parametrize("provider", WHERE)
def test_what_is_not_configured_is_not_there(provider: str) -> None:
    assert not targets({}).available(provider)
    assert list(problems_with(registry().providers[provider], {})) == []


def test_an_address_given_whole_goes_before_the_preset() -> None:
    target = target_of("azure", AZURE_OPENAI_BASE_URL="https://ours.services.ai.azure.com/openai/v1/")
    assert target is not None
    assert target.url == "https://ours.services.ai.azure.com/openai/v1/chat/completions"


def test_a_server_of_ones_own_needs_no_key() -> None:
    target = targets({"VLLM_BASE_URL": "http://10.0.0.7:8000/v1"}).for_model(a_model("vllm"), Wire.CHAT)
    assert target is not None
    assert target.headers == (("content-type", "application/json"),)


@pytest.mark.parametrize("value", ["", "a b", "evil.example/x", "x@y", "x?y", "../x", "a:1"])
def test_a_part_of_an_address_cannot_become_another_address(value: str) -> None:
    assert target_of("aws", AWS_REGION=value) is None


@pytest.mark.parametrize(
    ("provider", "environ", "problem"),
    [
        ("azure", {"AZURE_OPENAI_API_KEY": "k"}, "without AZURE_OPENAI_RESOURCE (or AZURE_OPENAI_BASE_URL)"),
        ("azure", {"AZURE_OPENAI_BASE_URL": "https://x.example/v1"}, "is not called without AZURE_OPENAI_API_KEY"),
        ("aws", {"AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "a b"}, "without AWS_REGION"),
        ("vllm", {"VLLM_BASE_URL": "10.0.0.7:8000"}, "is not a plain http(s) URL"),
        ("vllm", {"VLLM_API_KEY": "k"}, "without VLLM_BASE_URL"),
        ("vllm", {"VLLM_BASE_URL": "http://llm.example.com/v1"}, "plain http beyond this network"),
    ],
)
def test_what_is_configured_half_is_explained(provider: str, environ: dict[str, str], problem: str) -> None:
    (said,) = problems_with(registry().providers[provider], environ)
    assert problem in said


@pytest.mark.parametrize(
    "url", ["http://localhost:1/v1", "http://vllm:8000/v1", "http://10.1.2.3/v1", "http://[::1]/v1"]
)
def test_plain_http_is_fine_nearby(url: str) -> None:
    assert list(problems_with(registry().providers["vllm"], {"VLLM_BASE_URL": url})) == []


def test_timeouts_of_a_provider_complete_those_of_all() -> None:
    slow = target_of("ollama")
    assert slow is not None
    assert slow.patience == Patience(connect=5, first_byte=600, idle=120)
    usual = target_of("openai")
    assert usual is not None
    assert usual.patience is None


def test_an_organizations_own_key_goes_before_the_deployments_and_reaches_what_it_has_not() -> None:
    book, own = targets({"OPENAI_API_KEY": KEY}), {"openai": account(), "groq": account("groq", "gsk-own")}
    target = book.for_model(a_model("openai"), Wire.CHAT, own)
    assert target is not None
    assert ("authorization", "Bearer sk-own") in target.headers
    assert (target.account, target.hint, target.guarded) == ("an-id", "-own", False)
    assert book.reach(own) == {"openai", "groq"}
    assert book.reach() == {"openai"}


def test_an_own_key_means_the_real_provider_unless_everything_is_simulated() -> None:
    own = {"openai": account()}
    for simulate, simulated in ((None, False), (True, True)):
        book = targets({}, simulator_url="http://127.0.0.1:1", simulate=simulate)
        target = book.for_model(a_model("openai"), Wire.CHAT, own)
        assert target is not None
        assert target.simulated is simulated


def test_a_key_that_cannot_be_read_is_not_replaced_by_the_deployments() -> None:
    book, own = targets(), {"openai": account(secret="")}
    assert book.for_model(a_model("openai"), Wire.CHAT, own) is None
    assert "openai" not in book.reach(own)


def test_no_key_of_the_deployment_goes_to_an_organizations_host() -> None:
    book = targets()
    target = book.for_model(a_model("openai"), Wire.CHAT, {"openai": account(base_url="https://llm.example.com/v1")})
    assert target is not None
    assert target.url == "https://llm.example.com/v1/chat/completions"
    assert target.guarded
    assert KEY not in str(target.headers)


def test_an_organizations_address_is_judged_again_before_it_is_used() -> None:
    own = {"openai": account(base_url="http://10.0.0.1/v1")}
    assert targets().for_model(a_model("openai"), Wire.CHAT, own) is None
    opened = targets(guard=AddressGuard.opening(["10.0.0.0/8"]))
    assert opened.for_model(a_model("openai"), Wire.CHAT, own) is not None


def test_a_target_shows_no_key() -> None:
    target = target_of("openai")
    assert KEY not in repr(target)
