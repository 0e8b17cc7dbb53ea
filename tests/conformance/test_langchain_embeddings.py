"""`OpenAIEmbeddings` of `langchain-openai` under LangChain's own standard tests."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from langchain_openai import OpenAIEmbeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from tests.served import Served, Tenant

NOBODY = "http://127.0.0.1:1/v1"


class TestOpenAIEmbeddingsByItself(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[OpenAIEmbeddings]:
        return OpenAIEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "text-embedding-3-small", "base_url": NOBODY, "api_key": "asahi_live_x"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """Two variables are all that an application changes."""
        variables = {"OPENAI_API_KEY": "asahi_live_x", "OPENAI_API_BASE": NOBODY}
        return variables, {}, {"openai_api_key": "asahi_live_x", "openai_api_base": NOBODY}


class TestOpenAIEmbeddings(EmbeddingsIntegrationTests):
    @pytest.fixture(autouse=True)
    async def _served(self, gateway: Served, tenant: Tenant, trust: ssl.SSLContext) -> AsyncIterator[None]:
        async with openai.DefaultAsyncHttpxClient(verify=trust) as waiting:
            with openai.DefaultHttpxClient(verify=trust) as blocking:
                self._clients = {"http_client": blocking, "http_async_client": waiting}
                self._access = {"base_url": f"{gateway.url}/v1", "api_key": tenant.key}
                yield

    @property
    def embeddings_class(self) -> type[OpenAIEmbeddings]:
        return OpenAIEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        """Texts are sent as they are: to cut them into tokens, LangChain would fetch a vocabulary from the web."""
        sent_whole = {"check_embedding_ctx_length": False}
        return {"model": "text-embedding-3-small", **sent_whole, **self._access, **self._clients}
