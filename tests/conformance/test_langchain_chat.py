"""`ChatOpenAI` of `langchain-openai` under LangChain's own standard tests, with models of several makers behind it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.conformance.langchain_answers import fetch, record_what_is_understood
from tests.served import Served, Simulator, Tenant

Detail = Literal["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]
NOBODY = "http://127.0.0.1:1/v1"


class TestChatOpenAIByItself(ChatModelUnitTests):
    """What needs no server: how the client is set up, from arguments and from the environment."""

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-4o", "base_url": NOBODY, "api_key": "asahi_live_x"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """Two variables are all that an application changes."""
        variables = {"OPENAI_API_KEY": "asahi_live_x", "OPENAI_API_BASE": NOBODY}
        return variables, {"model": "gpt-4o"}, {"openai_api_key": "asahi_live_x", "openai_api_base": NOBODY}


# All are said by `langchain-openai` and `openai` among themselves, whatever answers them.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.filterwarnings("ignore:OpenAI may require a filename for file uploads:UserWarning")
@pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1 schema:UserWarning")
class ThroughTheGateway(ChatModelIntegrationTests):
    """The standard tests with everything switched on that the chat API can carry."""

    name: ClassVar[str]
    also: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    async def _served(
        self,
        gateway: Served,
        tenant: Tenant,
        simulator: Simulator,
        trust: ssl.SSLContext,
        monkeypatch: pytest.MonkeyPatch,
    ) -> AsyncIterator[None]:
        monkeypatch.setattr(httpx, "get", fetch)
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "nobody is asked")
        record_what_is_understood(simulator)
        # LangChain keeps its connections for the life of the process; a test has an event loop of its own.
        async with openai.DefaultAsyncHttpxClient(verify=trust) as waiting:
            with openai.DefaultHttpxClient(verify=trust) as blocking:
                self._clients = {"http_client": blocking, "http_async_client": waiting}
                self._access = {"base_url": f"{gateway.url}/v1", "api_key": tenant.key}
                yield

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """LangChain asks for a stream's usage by itself only at OpenAI's own address."""
        return {"model": self.name, "stream_usage": True, **self._access, **self._clients, **self.also}

    @property
    def model_override_value(self) -> str:
        return "gpt-4o-mini"

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[Literal["invoke", "stream"], list[Detail]]:
        return {"invoke": ["reasoning_output", "cache_read_input"], "stream": ["reasoning_output", "cache_read_input"]}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._answer("Think hard about the sea", stream=stream, reasoning_effort="high")

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        long = "The sea is wide and deep, and the ships upon it are many. " * 200
        self._answer(long + "How wide?", stream=stream)
        return self._answer(long + "How deep?", stream=stream)

    def _answer(self, prompt: str, *, stream: bool, **options: Any) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params, **options)
        if not stream:
            return model.invoke(prompt)
        chunks = list(model.stream(prompt))
        return sum(chunks[1:], chunks[0])


class TestChatOpenAIOnGPT(ThroughTheGateway):
    name = "gpt-4o"


class TestChatOpenAIOnClaude(ThroughTheGateway):
    name = "claude-sonnet-4-6"


class TestChatOpenAIOverResponses(ThroughTheGateway):
    """The same tests over the responses API, where a tool may answer with pictures and documents."""

    name = "gpt-5.4-mini"
    also: ClassVar[dict[str, Any]] = {"use_responses_api": True, "output_version": "responses/v1"}

    @property
    def supports_audio_inputs(self) -> bool:
        return False

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True


class TestChatOpenAIOnClaudeOverResponses(TestChatOpenAIOverResponses):
    name = "claude-sonnet-5-5"
