"""Requests with something broken in them are answered or refused; nothing makes the simulator itself fail."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inference.simulator.anthropic import messages
from inference.simulator.cohere import chat as cohere_chat
from inference.simulator.cohere import embed as cohere_embed
from inference.simulator.openai import chat, embeddings
from inference.simulator.openai.batch_lines import problems_of, read_lines
from inference.simulator.openai.responses import creating
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Prepared
from inference.simulator.world import Fidelity, World, new_world

SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "string", "enum": ["x"]},
        "b": {"type": "array", "items": {"$ref": "#/$defs/q"}, "minItems": 1},
        "c": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^[a-z]{2}$"}]},
    },
    "required": ["a"],
    "$defs": {"q": {"type": "number", "minimum": 1}},
}
TOOL = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
PARTS = [{"type": "text", "text": "use look"}, {"type": "image_url", "image_url": {"url": "x", "detail": "low"}}]
CHAT = {
    "model": "gpt-6-luna",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": PARTS},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
        {"role": "user", "content": "again look"},
    ],
    "tools": [TOOL],
    "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
    "n": 2,
    "stop": ["a"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "logprobs": True,
    "top_logprobs": 2,
    "max_completion_tokens": 50,
}
MARK = {"type": "ephemeral", "ttl": "1h"}
MESSAGES = {
    "model": "claude-haiku-5-5",
    "max_tokens": 2000,
    "system": [{"type": "text", "text": "s", "cache_control": MARK}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "use look"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": []}, PARTS[0]]},
    ],
    "tools": [{"name": "look", "input_schema": SCHEMA, "cache_control": MARK}],
    "tool_choice": {"type": "any"},
    "thinking": {"type": "adaptive"},
    "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    "stop_sequences": ["q"],
    "stream": True,
}
COHERE = {
    "model": "command-a",
    "messages": [
        {"role": "user", "content": "look"},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "document", "document": {"a": 1}}]},
    ],
    "tools": [TOOL],
    "documents": ["a", {"b": 1}],
    "thinking": {"type": "enabled"},
    "stream": True,
}
SPOKEN = {
    "model": "gpt-audio",
    "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": "mp3"}}]}],
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "pcm16"},
    "web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": "Pune"}}},
    "stream": True,
    "stream_options": {"include_usage": True},
}
SUMMARY = [{"type": "summary_text", "text": "s"}]
RESPONSE = {
    "model": "gpt-6-luna",
    "instructions": "s",
    "input": [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "use look"}, {"type": "input_image", "image_url": "x"}],
        },
        {"type": "reasoning", "id": "rs", "summary": SUMMARY, "encrypted_content": "gAAAAAsimx"},
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "r"}]},
        {"type": "custom_tool_call", "call_id": "d", "name": "free", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "d", "output": "r"},
        {"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "q"}, "status": "completed"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": []}]},
        {"role": "user", "content": "again look"},
    ],
    "tools": [
        {"type": "function", "name": "look", "parameters": SCHEMA, "strict": False},
        {"type": "custom", "name": "free"},
        {"type": "web_search", "search_context_size": "low"},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "look"}]},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}, "verbosity": "low"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
    "max_output_tokens": 80,
    "metadata": {"a": "b"},
    "conversation": {"id": "conv"},
    "stream": True,
    "stream_options": {"include_obfuscation": True},
}
SEARCHING = MESSAGES | {
    "messages": [
        {"role": "user", "content": "q"},
        {
            "role": "assistant",
            "content": [
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
                {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result"}]},
                {"type": "text", "text": "a", "citations": []},
            ],
        },
        {"role": "user", "content": "again"},
    ],
    "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
    "tool_choice": {"type": "auto"},
}
EMBEDDING = {"model": "text-embedding-3-small", "input": ["a", [1, 2]], "dimensions": 5, "encoding_format": "base64"}
EMBED = {
    "model": "embed-v4.0",
    "texts": ["a"],
    "input_type": "search_query",
    "embedding_types": ["int8", "binary"],
    "output_dimension": 256,
}

Prepare = Callable[[World, bytes], Prepared | Refusal]
CASES: dict[str, tuple[dict[str, Any], Prepare]] = {
    "openai chat": (CHAT, lambda world, body: chat.prepare(world, provider="openai", body=body)),
    "compatible chat": (CHAT, lambda world, body: chat.prepare(world, provider="our-vllm", body=body)),
    "anthropic messages": (MESSAGES, lambda world, body: messages.prepare(world, body=body)),
    "spoken chat": (SPOKEN, lambda world, body: chat.prepare(world, provider="openai", body=body)),
    "openai responses": (RESPONSE, lambda world, body: creating.prepare(world, provider="openai", body=body)),
    "compatible responses": (RESPONSE, lambda world, body: creating.prepare(world, provider="our-vllm", body=body)),
    "anthropic search": (SEARCHING, lambda world, body: messages.prepare(world, body=body)),
    "cohere chat": (COHERE, lambda world, body: cohere_chat.prepare(world, body=body)),
    "openai embeddings": (EMBEDDING, lambda world, body: embeddings.prepare(world, provider="openai", body=body)),
    "cohere embed": (EMBED, lambda world, body: cohere_embed.prepare(world, version=2, body=body)),
}
JUNK: list[Any] = [
    *(None, 0, -1, 1, 2.5, "", "x", "auto", [], {}, True, [None], [1], ["a"], 10**12, "🎉", "user", "tool"),
    *({"type": "text"}, {"type": "object"}, {"type": "x"}, {"$ref": "#"}, [["a"]]),
]
KEYS = ["type", "role", "name", "content", "cache_control", "anyOf", "pattern", "format", "const", "minItems", "stray"]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from places(below, (*path, key))


def mangled(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    body = copy.deepcopy(body)
    path = chance.choice(list(places(body)))
    target: Any = body
    for key in path[:-1]:
        target = target[key]
    action = chance.random()
    if action < 0.3:
        del target[path[-1]]
    elif action < 0.8 or isinstance(target, list):
        target[path[-1]] = copy.deepcopy(chance.choice(JUNK))
    else:
        target[chance.choice(KEYS)] = copy.deepcopy(chance.choice(JUNK))
    return body


@pytest.mark.parametrize("fidelity", list(Fidelity))
@pytest.mark.parametrize("case", CASES)
def test_a_mangled_request_is_answered_or_refused(case: str, fidelity: Fidelity) -> None:
    good, prepare = CASES[case]
    world = new_world(fidelity=fidelity)
    chance = random.Random(f"{case} {fidelity}")
    answered = refused = 0
    for _ in range(400):
        prepared = prepare(world, json.dumps(mangled(good, chance)).encode())
        reply = prepared if isinstance(prepared, Refusal) else prepared.perform()
        if isinstance(reply, Refusal):
            assert 400 <= reply.status < 500
            refused += 1
        else:
            streamed = None if reply.events is None else sum(event.tokens for event in reply.events)
            assert streamed in (None, reply.metered.output)
            answered += 1

    assert refused
    never = {("openai chat", Fidelity.MODEL), ("spoken chat", Fidelity.MODEL)}
    assert answered or (case, fidelity) in never, "reasoning excludes tools there, and a voice does not search"


def test_mangled_lines_of_a_batch_are_told_apart() -> None:
    world = new_world()
    chance = random.Random("lines")
    good = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": CHAT}
    problems = 0
    for _ in range(400):
        lines, errors = read_lines(json.dumps(mangled(good, chance)).encode())
        errors += problems_of(lines, world=world, provider="openai", endpoint="/v1/chat/completions")
        problems += bool(errors)

    assert 0 < problems < 400
