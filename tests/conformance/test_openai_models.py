"""The official `openai` client, asking which models there are."""

from __future__ import annotations

from collections.abc import Callable

import openai
import pytest

from tests.served import Served, Tenant


def test_the_models_are_listed_as_openai_lists_them(gpt: openai.OpenAI) -> None:
    models = list(gpt.models.list())
    assert {"asahi", "gpt-6-luna", "claude-haiku-5-5", "command-a"} <= {model.id for model in models}
    assert all((model.object, type(model.created)) == ("model", int) and model.owned_by for model in models)


async def test_the_models_are_listed_asynchronously(async_gpt: openai.AsyncOpenAI) -> None:
    assert "gpt-6-luna" in {model.id async for model in async_gpt.models.list()}


def test_only_what_the_policy_allows_is_listed(gateway: Served, make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant(allowed_models=["gpt-6-luna"])
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key) as gpt:
        assert {model.id for model in gpt.models.list()} == {"asahi", "asahi/auto", "gpt-6-luna"}


@pytest.mark.parametrize("name", ["gpt-6-luna", "claude-haiku-5-5", "asahi/auto"])
def test_one_model_is_retrieved_by_its_name(gpt: openai.OpenAI, name: str) -> None:
    model = gpt.models.retrieve(name)
    assert (model.id, model.object) == (name, "model")


def test_an_unknown_model_is_not_found(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        gpt.models.retrieve("gpt-0")
