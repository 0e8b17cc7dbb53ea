"""Every trouble with every protocol, whole and streamed: one entry each, with the tokens that were really worked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from inference.simulator.faults import Trouble
from tests.inference.simulator_process import KEY, RunningSimulator

BEFORE_ANY_WORK = {Trouble.ERROR, Trouble.REDIRECT}
CUT_SHORT = {Trouble.CUT, Trouble.ERROR_EVENT, Trouble.FAILED}
SAYS_NOTHING = {Trouble.GARBAGE, Trouble.HTML, Trouble.GZIP_BOMB}
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/openai/v1/chat/completions", {"model": "gpt-6-luna", "max_tokens": 16, "messages": QUESTION}),
    "responses": (
        "/openai/v1/responses",
        {"model": "gpt-6-luna", "max_output_tokens": 16, "input": "What is the capital?"},
    ),
    "compatible": ("/compat/some-server/v1/chat/completions", {"model": "any", "max_tokens": 16, "messages": QUESTION}),
    "messages": ("/anthropic/v1/messages", {"model": "claude-haiku-5-5", "max_tokens": 16, "messages": QUESTION}),
    "cohere": ("/cohere/v2/chat", {"model": "command-a", "max_tokens": 16, "messages": QUESTION}),
    "embeddings": ("/openai/v1/embeddings", {"model": "text-embedding-3-small", "input": "x", "dimensions": 4}),
    "embed": ("/cohere/v2/embed", {"model": "embed-v4.0", "texts": ["x"], "input_type": "search_query"}),
}
HEADERS = {"authorization": f"Bearer {KEY}", "anthropic-version": "2023-06-01"}
CASES = [(name, stream) for name in CALLS for stream in (False, True) if not (stream and name.startswith("emb"))]


def call(client: httpx.Client, name: str, *, stream: bool) -> None:
    """Read what comes, at most so much of it."""
    path, body = CALLS[name]
    asked = body | ({"stream": True} if stream else {})
    size = 0
    try:
        with client.stream("POST", path, json=asked) as response:
            for part in response.iter_raw():
                size += len(part)
                if size > 150_000:
                    return
    except httpx.RemoteProtocolError:
        return


@pytest.fixture
def client(simulator: RunningSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.url, headers=HEADERS, timeout=5) as made:
        yield made


@pytest.mark.parametrize(("name", "stream"), CASES)
def test_every_trouble_is_entered_with_what_was_worked(
    simulator: RunningSimulator, client: httpx.Client, name: str, stream: bool
) -> None:
    call(client, name, stream=stream)
    [good] = simulator.wait_for_calls(1)
    for count, kind in enumerate([one for one in Trouble if one is not Trouble.NONE], start=2):
        simulator.spoil(kind, seconds=0, pause_ms=0, size=100_000)
        call(client, name, stream=stream)
        entered = simulator.wait_for_calls(count)[-1]

        assert entered["fault"] == kind
        worked = (entered["worked_input_tokens"], entered["worked_output_tokens"])
        everything = (good["worked_input_tokens"], good["worked_output_tokens"])
        if kind in BEFORE_ANY_WORK:
            assert worked == (0, 0)
        elif stream and kind in SAYS_NOTHING:
            assert worked == (everything[0], 0)
        elif stream and kind in CUT_SHORT:
            assert worked[0] == everything[0]
            assert 0 < worked[1] < everything[1]
        elif stream and kind is Trouble.ENDLESS:
            assert worked[1] > everything[1]
        else:
            assert worked == everything
        assert client.get("/health").is_success
