"""What becomes of every field of a messages request. See `inference.wire.fields`.

What belongs to tools that run at the provider stands in `server_fields`.
"""

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
from inference.wire.messages.server_fields import SERVER_FIELDS

STORED: Final = Rule(
    Here.NEEDS_OWN_KEY,
    There.REFUSED,
    "it concerns what a provider keeps for its account, which organizations share; and no other provider has it",
)
_STORED_WITHIN: Final = replace(STORED, there=There.AS_ITS_OWNER)
_OTHER_MODELS: Final = Rule(
    Here.REFUSES,
    There.REFUSED,
    "the answer would come from models that the organization's policy has not admitted and at prices the receipt "
    "does not know; Asahi's own routing has fallbacks",
)
_SIGNED: Final = left_out("a model's notes are signed for itself: no other model can read them")
_FOR_ANTHROPIC: Final = "only its own provider's models know this"

REQUEST: Final = {
    **fields("max_tokens messages system", SAID),
    **fields("stop_sequences tools", replace(SAID, neutral=([],))),
    "output_config": replace(SAID, neutral=({},)),
    "model": Rule(Here.ACTS, There.SAID, "the provider's own name for the model takes its place", steers=False),
    "stream": Rule(Here.ACTS, There.SAID, "says how the answer is delivered", steers=False),
    "metadata": replace(SAID, steers=False),
    "service_tier": replace(SAID, neutral=("auto",), steers=False),
    "thinking": SAID,
    "tool_choice": replace(SAID, neutral=({"type": "auto"},)),
    "cache_control": CACHING_HINT,
    "speed": unsayable("standard"),
    "temperature": replace(SAID, neutral=(1,)),
    "top_p": SAID,
    **fields("top_k inference_geo", UNSAYABLE),
    "container": replace(STORED, when=(str,)),
    "diagnostics": replace(UNSAYABLE, why="it explains the cache of its own provider"),
    **fields("compaction context_management", replace(UNSAYABLE, why=_FOR_ANTHROPIC)),
    "fallback_credit_token": replace(UNSAYABLE, why="it is a credit with its own provider"),
    "fallbacks": _OTHER_MODELS,
    "billing_policy": replace(UNSAYABLE, why="it is about an account with its own provider"),
    "mcp_servers": replace(
        STORED, why="tunnels and their servers belong to the provider's account, which organizations share"
    ),
    "thread": replace(
        STORED, why="the conversation would be kept in the provider's account, which organizations share"
    ),
    "betas": Rule(Here.HEADER, There.REFUSED, "anthropic-beta, which goes up as it came"),
    "user_profile_id": replace(STORED, why="it names a profile of the provider's account; sent as a header, too"),
    "workspace_id": replace(STORED, why="it names a part of the provider's account; sent as a header, too"),
}

MESSAGES: Final = {
    "messages:user": fields("role content", SAID),
    "messages:assistant": fields("role content", SAID),
    "messages:system": {
        **fields("role content", SAID),
        "clear_at": unsayable("never"),
        "output_config": UNSAYABLE,
    },
    "messages:system.output_config": fields("effort", WITHIN),
}

CONTENT: Final = {
    "content:text": {
        **fields("type text", SAID),
        "cache_control": CACHING_HINT,
        "citations": left_out("what an answer cited is a note beside its text"),
    },
    **{
        f"citations:{kind}": fields(f"type cited_text {names}", WITHIN)
        for kind, names in {
            "char_location": "document_index document_title start_char_index end_char_index",
            "page_location": "document_index document_title start_page_number end_page_number",
            "content_block_location": "document_index document_title start_block_index end_block_index",
            "search_result_location": "search_result_index source title start_block_index end_block_index",
            "web_search_result_location": "encrypted_index title url",
        }.items()
    },
    "content:image": {
        **fields("type source", SAID),
        "cache_control": CACHING_HINT,
        "transformations": UNSAYABLE,
    },
    "content:image.transformations": fields("oversized_image", WITHIN),
    "content:document": {
        **fields("type source title", SAID),
        "cache_control": CACHING_HINT,
        "citations": replace(UNSAYABLE, neutral=({"enabled": False},), why="its provider does not cite documents"),
        "context": UNSAYABLE,
    },
    "content:document.citations": {"enabled": unsayable(False)},
    "content:search_result": unsayable_kind("content source title cache_control citations"),
    "content:search_result.citations": fields("enabled", WITHIN),
    "content:thinking": {"type": _SIGNED, **fields("thinking signature", WITHIN)},
    "content:redacted_thinking": {"type": _SIGNED, **fields("data", WITHIN)},
    "content:tool_use": {
        **fields("type id name input", SAID),
        "cache_control": CACHING_HINT,
        "caller": replace(UNSAYABLE, neutral=({"type": "direct"},), why=_FOR_ANTHROPIC),
        "toolset_name": UNSAYABLE,
    },
    "caller:direct": fields("type", SAID),
    "content:tool_result": {
        **fields("type tool_use_id content", SAID),
        "is_error": replace(SAID, neutral=(False,), why="said in the text of the result"),
        "cache_control": CACHING_HINT,
        "toolset_name": UNSAYABLE,
    },
    "source:base64": fields("type media_type data", SAID),
    "source:url": fields("type url", SAID),
    "source:text": unsayable_kind("media_type data", "only inline PDF documents are accepted there"),
    "source:content": unsayable_kind("content", "only inline PDF documents are accepted there"),
    "source:file": {"type": UNSAYABLE, "file_id": _STORED_WITHIN},
    "content:container_upload": {
        "type": UNSAYABLE,
        "file_id": _STORED_WITHIN,
        "cache_control": replace(WITHIN, steers=False),
    },
    "cache_control:ephemeral": fields("type ttl", replace(WITHIN, steers=False)),
}

TOOLS: Final = {
    "tools:custom": {
        **fields("type name description input_schema", SAID),
        "strict": replace(SAID, neutral=(False,)),
        "cache_control": CACHING_HINT,
        "eager_input_streaming": left_out("how a tool's input is delivered"),
        "allowed_callers": replace(UNSAYABLE, neutral=(["direct"],), why=_FOR_ANTHROPIC),
        "defer_loading": unsayable(False),
        "input_examples": UNSAYABLE,
    },
    **{
        f"tool_choice:{kind}": {"type": SAID, "disable_parallel_tool_use": replace(SAID, neutral=(False,))}
        for kind in ("auto", "any")
    },
    "tool_choice:tool": {**fields("type name", SAID), "disable_parallel_tool_use": replace(SAID, neutral=(False,))},
    "tool_choice:none": fields("type", SAID),
}

_DISPLAY: Final = left_out("thinking is not shown in a chat answer")

SETTINGS: Final = {
    "metadata": fields("user_id", replace(SAID, steers=False)),
    "output_config": {**fields("effort format", SAID), "task_budget": UNSAYABLE},
    "task_budget:tokens": fields("type total remaining", WITHIN),
    "format:json_schema": fields("type schema", SAID),
    "thinking:enabled": unsayable_kind(
        "budget_tokens display block_binding", "it decides by itself when and how much to reason"
    ),
    "thinking:adaptive": {"type": SAID, "display": _DISPLAY, "block_binding": UNSAYABLE},
    "thinking:enabled.block_binding": fields("prefix_mismatch_behavior", WITHIN),
    "thinking:adaptive.block_binding": fields("prefix_mismatch_behavior", WITHIN),
    "thinking:disabled": fields("type", SAID),
    "thinking:between_tools": fields("type", replace(UNSAYABLE, why="it decides by itself when to reason")),
    "container": {"id": _STORED_WITHIN, "skills": WITHIN},
    "skills:anthropic": fields("type skill_id version", WITHIN),
    "skills:custom": {"skill_id": _STORED_WITHIN, **fields("type version", WITHIN)},
    "diagnostics": {"previous_message_id": _STORED_WITHIN},
    "fallback_credit_token": fields("token mode", WITHIN),
    "billing_policy:billing_policy": {"type": WITHIN, "bill_to": replace(_STORED_WITHIN, when=("user_profile",))},
    "compaction:summarize": fields("type instructions", WITHIN),
    "context_management": fields("edits", WITHIN),
    "edits:clear_tool_uses_20250919": fields(
        "type clear_at_least clear_tool_inputs exclude_tools keep trigger", WITHIN
    ),
    "edits:clear_thinking_20251015": fields("type keep", WITHIN),
    "edits:compact_20260112": fields("type instructions pause_after_compaction trigger", WITHIN),
    **{
        shape: fields("type value", WITHIN)
        for shape in (
            "clear_at_least:input_tokens", "keep:tool_uses", "keep:thinking_turns", "trigger:input_tokens",
            "trigger:tool_uses",
        )
    },
    "keep:all": fields("type", WITHIN),
    "fallbacks": fields("model max_tokens output_config speed thinking", WITHIN),
    "fallbacks.output_config": fields("effort format task_budget", WITHIN),
    "mcp_servers:url": fields("type name url authorization_token tool_configuration", WITHIN),
    "mcp_servers:url.tool_configuration": fields("allowed_tools enabled", WITHIN),
    "thread:create": fields("type", WITHIN),
    "thread:continue": fields("type previous_message_id", WITHIN),
}  # fmt: skip

SAID_IN: Final = {
    "content:image": ("messages:user", "content:tool_result"),
    "content:document": ("messages:user", "content:tool_result"),
    "source:url": ("content:image",),
    "content:tool_result": ("messages:user",),
    "content:tool_use": ("messages:assistant",),
    "content:thinking": ("messages:assistant",),
    "content:redacted_thinking": ("messages:assistant",),
}
"""Where alone a translation can say what the types allow anywhere. Elsewhere it is refused by its `type`."""

REFUSED_HEADERS: Final = ("anthropic-user-profile-id", "anthropic-workspace-id")
"""What the clients send of `user_profile_id` and `workspace_id`. They do not go up, so they are refused."""

FIELDS: Final[Table] = {"": REQUEST, **MESSAGES, **CONTENT, **TOOLS, **SETTINGS, **SERVER_FIELDS}
