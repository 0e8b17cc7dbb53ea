"""Requests that both wires can express, as hypothesis strategies, in the form that a translation writes them in."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.inference.wire.answers import json_values, names

texts = st.text(min_size=1, max_size=20)
objects = st.dictionaries(names, json_values, max_size=3)
schemas = st.fixed_dictionaries({"type": st.just("object"), "properties": objects}, optional={"description": texts})
PIXEL = "iVBORw0KGgo="
urls = st.sampled_from([f"data:image/png;base64,{PIXEL}", "https://example.com/a.png"])


def several(part: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(part, min_size=2, max_size=3)


text_parts = st.fixed_dictionaries({"type": st.just("text"), "text": texts})
image_parts = urls.map(lambda url: {"type": "image_url", "image_url": {"url": url}})
file_parts = names.map(
    lambda name: {
        "type": "file",
        "file": {"filename": f"{name}.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
    }
)
chat_users = st.fixed_dictionaries(
    {"role": st.just("user"), "content": texts | several(text_parts | image_parts | file_parts)}
)


@st.composite
def chat_exchanges(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What the assistant said, or the tools it called with their results; then the user again."""
    said = {"role": "assistant", "content": draw(texts | several(text_parts))}
    ids = draw(st.lists(st.from_regex(r"call_[a-z0-9]{6}", fullmatch=True), max_size=2, unique=True))
    if ids:
        said["content"] = draw(st.none() | texts)
        said["tool_calls"] = [
            {"id": one, "type": "function", "function": {"name": draw(names), "arguments": _written(draw(objects))}}
            for one in ids
        ]
    results = [{"role": "tool", "tool_call_id": one, "content": draw(texts)} for one in ids]
    return [said, *results, draw(chat_users)]


def _written(value: Any) -> str:
    return msgspec.json.encode(value).decode()


function_tools = st.fixed_dictionaries(
    {
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {"name": names, "parameters": schemas}, optional={"description": texts, "strict": st.just(True)}
        ),
    }
)
tool_fields = st.fixed_dictionaries(
    {
        "tools": st.lists(function_tools, min_size=1, max_size=2),
        "tool_choice": st.sampled_from(["auto", "required"])
        | names.map(lambda name: {"type": "function", "function": {"name": name}}),
    },
    optional={"parallel_tool_calls": st.just(False)},
)
titled = st.builds(lambda title, schema: {**schema, "title": title}, names, schemas)
response_formats = titled.map(
    lambda schema: {
        "type": "json_schema",
        "json_schema": {"name": schema["title"], "schema": schema, "strict": True},
    }
)


@st.composite
def chat_requests(draw: st.DrawFn) -> dict[str, Any]:
    system = draw(st.just([]) | texts.map(lambda text: [{"role": "system", "content": text}]))
    exchanges = draw(st.lists(chat_exchanges(), max_size=2))
    fields = draw(
        st.fixed_dictionaries(
            {"model": names, "max_completion_tokens": st.integers(1, 9_000)},
            optional={
                "stream": st.booleans(),
                "stop": st.lists(texts, min_size=1, max_size=4),
                "temperature": st.sampled_from([0, 0.25, 0.5]),
                "top_p": st.sampled_from([0.1, 0.9]),
                "user": names,
                "service_tier": st.just("default"),
                "reasoning_effort": st.sampled_from(["none", "low", "medium", "high", "xhigh", "max"]),
                "response_format": response_formats,
            },
        )
    )
    messages = [*system, draw(chat_users), *(turn for exchange in exchanges for turn in exchange)]
    return {**fields, **draw(st.just({}) | tool_fields), "messages": messages}


text_blocks = st.fixed_dictionaries({"type": st.just("text"), "text": texts})
image_blocks = st.sampled_from(
    [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
    ]
)
document_blocks = names.map(
    lambda name: {
        "type": "document",
        "title": f"{name}.pdf",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
    }
)
messages_users = st.fixed_dictionaries(
    {"role": st.just("user"), "content": texts | several(text_blocks | image_blocks | document_blocks)}
)
efforts = st.sampled_from(["low", "medium", "high", "xhigh", "max"])
output_configs = titled.map(lambda schema: {"format": {"type": "json_schema", "schema": schema}})
reasoning = (
    st.just({})
    | st.just({"thinking": {"type": "disabled"}})
    | output_configs.map(lambda config: {"output_config": config})
    | st.builds(
        lambda effort, config: {
            "thinking": {"type": "adaptive", "display": "omitted"},
            "output_config": {"effort": effort, **config},
        },
        efforts,
        st.just({}) | output_configs,
    )
)
"""How much to think, and the shape of the answer, which share a field."""


@st.composite
def messages_exchanges(draw: st.DrawFn) -> list[dict[str, Any]]:
    ids = draw(st.lists(st.from_regex(r"toolu_[a-z0-9]{6}", fullmatch=True), max_size=2, unique=True))
    if not ids:
        return [{"role": "assistant", "content": draw(texts | several(text_blocks))}, draw(messages_users)]
    calls = [{"type": "tool_use", "id": one, "name": draw(names), "input": draw(objects)} for one in ids]
    results = [{"type": "tool_result", "tool_use_id": one, "content": draw(texts)} for one in ids]
    said = draw(st.lists(text_blocks, max_size=1))
    return [{"role": "assistant", "content": said + calls}, {"role": "user", "content": results}, draw(messages_users)]


custom_tools = st.fixed_dictionaries(
    {"name": names, "input_schema": schemas}, optional={"description": texts, "strict": st.just(True)}
)
custom_tool_fields = st.fixed_dictionaries(
    {
        "tools": st.lists(custom_tools, min_size=1, max_size=2),
        "tool_choice": st.sampled_from(
            [
                {"type": "auto"},
                {"type": "any"},
                {"type": "none"},
                {"type": "any", "disable_parallel_tool_use": True},
                {"type": "tool", "name": "f"},
            ]
        ),
    }
)


_ADAPTIVE = {"type": "adaptive", "display": "omitted"}


@st.composite
def messages_requests(draw: st.DrawFn) -> dict[str, Any]:
    exchanges = draw(st.lists(messages_exchanges(), max_size=2))
    fields = draw(
        st.fixed_dictionaries(
            {"model": names, "max_tokens": st.integers(1, 9_000)},
            optional={
                "system": texts | several(text_blocks),
                "stream": st.booleans(),
                "stop_sequences": st.lists(texts, min_size=1, max_size=4),
                "temperature": st.sampled_from([0, 0.25, 0.5]),
                "metadata": st.fixed_dictionaries({"user_id": names}),
                "service_tier": st.just("standard_only"),
            },
        )
    )
    messages = [draw(messages_users), *(turn for exchange in exchanges for turn in exchange)]
    tools = draw(st.just({}) | custom_tool_fields)
    thought = draw(reasoning)
    if tools.get("tool_choice", {}).get("type") in ("any", "tool"):
        thought = {name: value for name, value in thought.items() if value != _ADAPTIVE}
    return {**fields, **thought, **tools, "messages": messages}
