"""What becomes of every field of a chat request. See `inference.wire.fields`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from inference.wire.fields import (
    CACHING_HINT,
    SAID,
    UNSAYABLE,
    WITHIN,
    Here,
    Rule,
    Table,
    There,
    fields,
    left_out,
    unsayable,
    unsayable_kind,
)

_STORED: Final = Rule(
    Here.NEEDS_OWN_KEY,
    There.REFUSED,
    "it concerns what a provider keeps in its account, which organizations share; and no other provider has it",
)
_WHO_ASKS: Final = replace(SAID, steers=False)
_DELIVERY: Final = left_out("how a stream is delivered is the gateway's to see to", steers=False)
_NO_AUDIO: Final = "the other wire has no audio"
_OLD_FUNCTIONS: Final = "tools say the same, and the answer has the shape that goes with them"

REQUEST: Final = {
    **fields("messages max_completion_tokens max_tokens stop tools", SAID),
    "model": Rule(Here.ACTS, There.SAID, "the provider's own name for the model takes its place", steers=False),
    "stream": Rule(Here.ACTS, There.SAID, "says how the answer is delivered", steers=False),
    "stream_options": Rule(
        Here.ACTS, There.LEFT_OUT, "usage is always asked for, and shown to those who wanted it", steers=False
    ),
    **fields("temperature top_p", replace(SAID, neutral=(1,))),
    **fields("frequency_penalty presence_penalty", unsayable(0)),
    **fields("user safety_identifier", _WHO_ASKS),
    "parallel_tool_calls": replace(SAID, neutral=(True,)),
    "tool_choice": replace(SAID, neutral=("auto",)),
    "response_format": replace(SAID, neutral=({"type": "text"},)),
    "reasoning_effort": replace(SAID, unsayable=("minimal",)),
    "service_tier": replace(
        SAID, neutral=("auto",), unsayable=("flex", "scale", "priority", "fast"), steers=False,
        why="how soon and at what price the same answer comes; the other provider has no such tiers",
    ),
    "store": replace(_STORED, when=(True,), neutral=(False,), steers=False),
    "metadata": left_out("it labels a stored completion, and none is stored with another provider", steers=False),
    "prediction": left_out("it makes the same answer come sooner"),
    "prompt_cache_key": CACHING_HINT,
    "prompt_cache_options": CACHING_HINT,
    "prompt_cache_retention": CACHING_HINT,
    "modalities": unsayable(["text"], why=_NO_AUDIO),
    "audio": replace(UNSAYABLE, why=_NO_AUDIO),
    "n": unsayable(1, why="the other wire gives one answer"),
    "logprobs": unsayable(False),
    "logit_bias": unsayable({}, why="every model has tokens of its own"),
    **fields("top_logprobs seed moderation web_search_options", UNSAYABLE),
    "verbosity": unsayable("medium"),
    "functions": replace(UNSAYABLE, why=_OLD_FUNCTIONS),
    "function_call": unsayable("auto", "none", why=_OLD_FUNCTIONS),
}  # fmt: skip

_FOREIGN: Final = {
    "cache_control": Rule(
        Here.ACTS, There.SAID, steers=False,
        why="a mark for caching of Anthropic's: models that know it get it, for all others it is left out",
    )
}  # fmt: skip

MESSAGES: Final = {
    **{f"messages:{role}": {**fields("role content", SAID), **_FOREIGN, "name": UNSAYABLE}
       for role in ("developer", "system", "user")},
    "messages:assistant": {
        **fields("role content refusal tool_calls", SAID),
        **_FOREIGN,
        **fields("name function_call audio", UNSAYABLE),
    },
    "messages:assistant.audio": {"id": replace(_STORED, there=There.AS_ITS_OWNER)},
    "messages:assistant.function_call": fields("name arguments", WITHIN),
    "messages:tool": {**fields("role content tool_call_id", SAID), **_FOREIGN},
    "messages:function": {
        "role": replace(UNSAYABLE, why="tool messages say the same"), **fields("content name", WITHIN),
    },
    "tool_calls:function": fields("type id function", SAID),
    "tool_calls:function.function": fields("name arguments", SAID),
    "tool_calls:custom": unsayable_kind("id custom", "the other wire's tools take an object, not a text"),
    "tool_calls:custom.custom": fields("name input", WITHIN),
}  # fmt: skip

_BREAKPOINT: Final = replace(SAID, why="a cache marker there; its lifetime is the other provider's own", steers=False)
_BREAKPOINT_PARTS: Final = {"mode": replace(SAID, steers=False), "ttl": CACHING_HINT}

CONTENT: Final = {
    "content:text": {**fields("type text", SAID), **_FOREIGN, "prompt_cache_breakpoint": _BREAKPOINT},
    "content:refusal": {**fields("type refusal", SAID), **_FOREIGN},
    "content:image_url": {**fields("type image_url", SAID), **_FOREIGN, "prompt_cache_breakpoint": _BREAKPOINT},
    "content:image_url.image_url": {
        "url": SAID,
        "detail": replace(SAID, neutral=("auto", "high"), unsayable=("low", "original"),
                          why="the other provider always looks at the whole image"),
    },
    "content:input_audio": unsayable_kind("input_audio prompt_cache_breakpoint", _NO_AUDIO),
    "content:input_audio.input_audio": fields("data format", WITHIN),
    "content:file": {**fields("type file", SAID), **_FOREIGN, "prompt_cache_breakpoint": _BREAKPOINT},
    "content:file.file": {**fields("file_data filename", SAID), "file_id": _STORED},
    **{f"content:{part}.prompt_cache_breakpoint": _BREAKPOINT_PARTS
       for part in ("text", "image_url", "input_audio", "file")},
}  # fmt: skip

TOOLS: Final = {
    "tools:function": {**fields("type function", SAID), **_FOREIGN},
    "tools:function.function": {
        **fields("name description parameters", SAID),
        **_FOREIGN,
        "strict": replace(SAID, neutral=(False,)),
    },
    "tools:custom": unsayable_kind("custom", "the other wire's tools take an object, not a text"),
    "tools:custom.custom": fields("name description format", WITHIN),
    "format:text": fields("type", WITHIN),
    "format:grammar": fields("type grammar", WITHIN),
    "format:grammar.grammar": fields("definition syntax", WITHIN),
    "functions": fields("name description parameters", WITHIN),
    "function_call": fields("name", WITHIN),
    "tool_choice:function": fields("type function", SAID),
    "tool_choice:function.function": fields("name", SAID),
    "tool_choice:custom": unsayable_kind("custom", "the other wire's tools take an object, not a text"),
    "tool_choice:custom.custom": fields("name", WITHIN),
    "tool_choice:allowed_tools": fields("type allowed_tools", SAID),
    "tool_choice:allowed_tools.allowed_tools": fields("mode tools", SAID),
}  # fmt: skip

SETTINGS: Final = {
    "audio": fields("format voice", WITHIN),
    "audio.voice": {"id": replace(_STORED, there=There.AS_ITS_OWNER)},
    "moderation": fields("model policy", WITHIN),
    "moderation.policy": fields("input output", WITHIN),
    "moderation.policy.input": fields("mode", WITHIN),
    "moderation.policy.output": fields("mode", WITHIN),
    "prediction:content": fields("type content", WITHIN),
    "prompt_cache_options": fields("mode ttl", replace(WITHIN, steers=False)),
    "response_format:text": fields("type", SAID),
    "response_format:json_object": unsayable_kind("", "only a JSON schema can be asked for there"),
    "response_format:json_schema": fields("type json_schema", SAID),
    "response_format:json_schema.json_schema": {
        **fields("name description schema", SAID),
        "strict": left_out("there an answer is always held to its schema"),
    },
    "stream_options": {
        "include_usage": Rule(Here.ACTS, There.AS_ITS_OWNER, steers=False),
        "include_obfuscation": replace(_DELIVERY, there=There.AS_ITS_OWNER),
    },
    "web_search_options": fields("search_context_size user_location", WITHIN),
    "user_location:approximate": fields("type approximate", WITHIN),
    "user_location:approximate.approximate": fields("city country region timezone", WITHIN),
}

FIELDS: Final[Table] = {"": REQUEST, **MESSAGES, **CONTENT, **TOOLS, **SETTINGS}
