"""What becomes of every field of a responses request, of every kind of tool and of every kind of input item.

See `inference.wire.fields`. `There` is the chat wire, from which a request may go on to the messages wire.
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
)

_OURS: Final = Rule(Here.ACTS, There.LEFT_OUT, "Asahi keeps responses itself; a provider keeps none", steers=False)
_ELSEWHERE: Final = Rule(
    Here.REFUSES,
    There.REFUSED,
    "it names what a provider keeps for its account, which organizations share",
)
_STORED: Final = replace(_ELSEWHERE, here=Here.NEEDS_OWN_KEY)
_UNPRICED: Final = Rule(
    Here.REFUSES,
    There.REFUSED,
    "it is charged by more than tokens, at a price that the receipt does not know",
)
_WHO_ASKS: Final = replace(SAID, steers=False)
_ITS_PROVIDER: Final = replace(UNSAYABLE, why="it is carried out by its own provider")
_FOR_ITS_PROVIDER: Final = left_out("it is said to its own provider's models alone")

REQUEST: Final = {
    "input": Rule(Here.ACTS, There.SAID, "earlier turns stand before it, and no note that its model could not read"),
    **fields("instructions max_output_tokens", SAID),
    "tools": replace(SAID, neutral=([],)),
    "tool_choice": replace(SAID, neutral=("auto",)),
    "parallel_tool_calls": replace(SAID, neutral=(True,)),
    **fields("temperature top_p", replace(SAID, neutral=(1,))),
    "text": replace(SAID, neutral=({}, {"format": {"type": "text"}})),
    "reasoning": replace(SAID, neutral=({},)),
    "service_tier": Rule(
        Here.REFUSES, There.SAID, "no price is known for it", when=("ultrafast",), neutral=("auto",), steers=False
    ),
    **fields("user safety_identifier", _WHO_ASKS),
    "model": Rule(Here.ACTS, There.SAID, "the provider's own name for the model takes its place", steers=False),
    "stream": Rule(Here.ACTS, There.SAID, "says how the answer is delivered", steers=False),
    "stream_options": left_out("how a stream is delivered is the gateway's to see to", steers=False),
    **fields("store previous_response_id background metadata", _OURS),
    "include": Rule(
        Here.ACTS, There.LEFT_OUT, "what is not there cannot be included; log probabilities are refused by name"
    ),
    "conversation": replace(_ELSEWHERE, why="use previous_response_id, which Asahi keeps for your organization"),
    "prompt": replace(_ELSEWHERE, why="a stored prompt belongs to the provider's account; send its text"),
    "access_programs": replace(_STORED, why="it is what the provider has authorized its account for"),
    "max_tool_calls": left_out("it limits the tools that a provider runs, of which there are none"),
    "truncation": unsayable("disabled", why="input that is too long is refused there"),
    "top_logprobs": unsayable(0),
    "context_management": unsayable([], why="only its own provider compacts a conversation"),
    "moderation": UNSAYABLE,
    "image": _FOR_ITS_PROVIDER,
    "prompt_cache_key": CACHING_HINT,
    "prompt_cache_options": CACHING_HINT,
    "prompt_cache_retention": CACHING_HINT,
}

WITHIN_SETTINGS: Final = {
    "text": {"format": SAID, "verbosity": unsayable("medium")},
    "reasoning": {
        "effort": SAID,
        **fields("summary generate_summary", left_out("a summary is given where there is one; there is none")),
        "context": left_out("the other model's notes of earlier turns are its own"),
        "mode": unsayable("standard"),
    },
    "prompt_cache_options": {
        **fields("mode ttl prewarm", replace(WITHIN, steers=False)),
        "comparison_response_id": replace(_STORED, why="the provider keeps no response to compare with", steers=False),
    },
}

TOOLS: Final = {
    **{f"tools:{kind}": {"type": SAID} for kind in ("function", "custom")},
    **{
        f"tools:{kind}": {"type": _ITS_PROVIDER}
        for kind in (
            "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11", "mcp",
            "tool_search", "namespace", "programmatic_tool_calling", "computer", "computer_use_preview", "local_shell",
            "shell", "apply_patch",
        )
    },
    "tools:file_search": {"type": _STORED},
    "tools:code_interpreter": {"type": _UNPRICED},
    "tools:image_generation": {"type": _UNPRICED},
}  # fmt: skip

_NOTES: Final = left_out("a model's notes are sealed for itself: no other model can read them")

ITEMS: Final = {
    **{
        f"input:{kind}": {"type": SAID}
        for kind in (
            "message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output",
        )
    },
    "input:item_reference": {"type": Rule(Here.ACTS, There.SAID, "the item that Asahi keeps takes its place")},
    "input:additional_tools": {"type": Rule(Here.REFUSES, There.REFUSED, "name all tools in 'tools'")},
    "input:reasoning": {"type": replace(_NOTES, here=Here.ACTS)},
    **{
        f"input:{kind}": {"type": _ITS_PROVIDER}
        for kind in (
            "web_search_call", "file_search_call", "computer_call", "computer_call_output", "tool_search_call",
            "tool_search_output", "configuration_update", "compaction", "compaction_trigger",
            "image_generation_call", "code_interpreter_call", "local_shell_call", "local_shell_call_output",
            "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output", "mcp_list_tools",
            "mcp_approval_request", "mcp_approval_response", "mcp_call", "program", "program_output",
        )
    },
}  # fmt: skip

FIELDS: Final[Table] = {"": REQUEST, **WITHIN_SETTINGS, **TOOLS, **ITEMS}
