"""Whole answers for the wire tests, as hypothesis strategies and as plain examples."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

words = st.builds(lambda text, times: text * times, st.text(max_size=12), st.sampled_from([1, 1, 1, 50]))
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
counts = st.integers(0, 5_000)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)

chat_usage = st.fixed_dictionaries(
    {"prompt_tokens": counts, "completion_tokens": counts, "total_tokens": st.integers(0, 10_000)}
)
function_calls = st.fixed_dictionaries(
    {
        "id": st.from_regex(r"call_[a-z0-9]{8}", fullmatch=True),
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": names, "arguments": words}),
    }
)
custom_calls = st.fixed_dictionaries(
    {
        "id": st.from_regex(r"call_[a-z0-9]{8}", fullmatch=True),
        "type": st.just("custom"),
        "custom": st.fixed_dictionaries({"name": names, "input": words}),
    }
)
chat_messages = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | words},
    optional={
        "refusal": st.none() | words,
        "reasoning_content": words,
        "tool_calls": st.lists(function_calls | custom_calls, min_size=1, max_size=3),
    },
)
tokens = st.fixed_dictionaries(
    {"token": words, "logprob": st.integers(-9, 0), "bytes": st.none(), "top_logprobs": st.just([])}
)
logprobs = st.fixed_dictionaries({"content": st.none() | st.lists(tokens, max_size=3), "refusal": st.none()})


@st.composite
def chat_answers(draw: st.DrawFn) -> dict[str, Any]:
    choices = [
        {
            "index": index,
            "message": draw(chat_messages),
            "logprobs": draw(st.none() | logprobs),
            "finish_reason": draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"])),
        }
        for index in range(draw(st.integers(1, 3)))
    ]
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": "gpt-6-luna"}
    tail = draw(st.fixed_dictionaries({}, optional={"service_tier": st.just("default"), "system_fingerprint": names}))
    return {**head, "choices": choices, "usage": draw(chat_usage), **tail}


citations = st.fixed_dictionaries(
    {
        "type": st.just("char_location"),
        "cited_text": words,
        "document_index": counts,
        "document_title": st.none(),
        "start_char_index": counts,
        "end_char_index": counts,
    }
)
text_blocks = st.fixed_dictionaries(
    {"type": st.just("text"), "text": words}, optional={"citations": st.lists(citations, min_size=1, max_size=2)}
)
thinking_blocks = st.fixed_dictionaries({"type": st.just("thinking"), "thinking": words, "signature": names})
tool_blocks = st.fixed_dictionaries(
    {
        "type": st.just("tool_use"),
        "id": st.from_regex(r"toolu_[a-z0-9]{8}", fullmatch=True),
        "name": names,
        "input": st.dictionaries(names, json_values, max_size=3),
    }
)
other_blocks = st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": words})
messages_usage = st.fixed_dictionaries(
    {"input_tokens": counts, "output_tokens": counts},
    optional={
        "cache_read_input_tokens": counts,
        "cache_creation_input_tokens": counts,
        "service_tier": st.just("standard"),
    },
)


@st.composite
def messages_answers(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": draw(st.lists(text_blocks | thinking_blocks | tool_blocks | other_blocks, max_size=4)),
        "stop_reason": draw(st.sampled_from(["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"])),
        "stop_sequence": draw(st.none() | words),
        "usage": draw(messages_usage),
    }


def present(value: Any) -> Any:
    """Without the fields that are null, which mean the same as absent ones."""
    if isinstance(value, dict):
        return {name: present(inner) for name, inner in value.items() if inner is not None}
    return [present(inner) for inner in value] if isinstance(value, list) else value
