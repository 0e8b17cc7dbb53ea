"""What becomes of the fields of tools that Anthropic defines, and of the blocks that running them leaves behind.

They go to its own models unchanged. No other provider has them, so a translation refuses them whole, by their `type`.
"""

from __future__ import annotations

from typing import Final

from inference.wire.fields import WITHIN, Here, Rule, Table, There, fields, unsayable_kind

_STORED: Final = Rule(
    Here.NEEDS_OWN_KEY,
    There.AS_ITS_OWNER,
    "it names a file kept for the provider's account, which organizations share",
)
_ADVISOR: Final = Rule(
    Here.REFUSES,
    There.REFUSED,
    "another model would be asked, which the organization's policy has not admitted and the receipt does not price",
)
_ERROR: Final = fields("type error_code", WITHIN)
_ERROR_WITH_TEXT: Final = fields("type error_code error_message", WITHIN)

_USE: Final = "allowed_callers cache_control defer_loading strict"
_CLIENT_TOOL: Final = unsayable_kind(f"name {_USE} input_examples", "only its own provider's models know this tool")
_SCREEN: Final = "display_width_px display_height_px display_number"
_SEARCH: Final = f"name {_USE} allowed_domains blocked_domains max_uses user_location"
_FETCH: Final = f"name {_USE} allowed_domains blocked_domains max_uses citations max_content_tokens url_sources"


def _server_tool(names: str) -> dict[str, Rule]:
    return unsayable_kind(names, "tools that run at one provider are not known to another")


_BROWSER_ACTIONS: Final = (
    "close_tab double_click file_upload find form_input get_page_text hold_key hover javascript_exec key left_click "
    "left_click_drag left_mouse_down left_mouse_up list_tabs middle_click mouse_move navigate new_tab read_console "
    "read_network read_page right_click screenshot scroll scroll_to switch_tab triple_click type wait zoom"
)
_COMPUTER_ACTIONS: Final = (
    "cursor_position double_click hold_key key left_click left_click_drag left_mouse_down left_mouse_up middle_click "
    "mouse_move right_click screenshot scroll triple_click type wait zoom"
)


def _toolset(name: str, actions: str) -> dict[str, dict[str, Rule]]:
    return {
        f"tools:{name}": unsayable_kind("cache_control configs", "only its own provider's models know these tools"),
        f"tools:{name}.configs": fields(actions, WITHIN),
        **{f"tools:{name}.configs.{action}": fields("defer_loading enabled", WITHIN) for action in actions.split()},
    }


TOOLS: Final = {
    **{
        f"tools:{name}": _CLIENT_TOOL
        for name in (
            "bash_20241022", "bash_20250124", "memory_20250818", "text_editor_20241022", "text_editor_20250124",
            "text_editor_20250429",
        )
    },
    "tools:text_editor_20250728": {**_CLIENT_TOOL, "max_characters": WITHIN},
    "tools:computer_20241022": {**_CLIENT_TOOL, **fields(_SCREEN, WITHIN)},
    "tools:computer_20250124": {**_CLIENT_TOOL, **fields(_SCREEN, WITHIN)},
    "tools:computer_20251124": {**_CLIENT_TOOL, **fields(f"{_SCREEN} enable_zoom", WITHIN)},
    **_toolset("browser_toolset_20260801", _BROWSER_ACTIONS),
    **_toolset("computer_toolset_20260801", _COMPUTER_ACTIONS),
    **{
        f"tools:{name}": _server_tool(f"name {_USE}")
        for name in (
            "code_execution_20250522", "code_execution_20250825", "code_execution_20260120", "code_execution_20260521",
            "tool_search_tool_bm25", "tool_search_tool_bm25_20251119", "tool_search_tool_regex",
            "tool_search_tool_regex_20251119",
        )
    },
    "tools:web_search_20250305": _server_tool(_SEARCH),
    "tools:web_search_20260209": _server_tool(_SEARCH),
    "tools:web_search_20260318": _server_tool(f"{_SEARCH} response_inclusion"),
    "user_location:approximate": fields("type city country region timezone", WITHIN),
    "tools:web_fetch_20250910": _server_tool(_FETCH),
    "tools:web_fetch_20260209": _server_tool(_FETCH),
    "tools:web_fetch_20260309": _server_tool(f"{_FETCH} use_cache"),
    "tools:web_fetch_20260318": _server_tool(f"{_FETCH} use_cache response_inclusion"),
    **{
        shape: found
        for version in ("20250910", "20260209", "20260309", "20260318")
        for shape, found in {
            f"tools:web_fetch_{version}.citations": fields("enabled", WITHIN),
            f"tools:web_fetch_{version}.url_sources": fields(
                "client_tool_results server_tool_results user_input", WITHIN
            ),
        }.items()
    },
    **{
        f"{results}:{which}": fields("type tools" if which in ("only", "except") else "type", WITHIN)
        for results in ("client_tool_results", "server_tool_results", "user_input")
        for which in ("all", "none", "only", "except")
        if results != "user_input" or which in ("all", "none")
    },
    "tools:tool_reference": fields("type name", WITHIN),
    "tools:mcp_toolset": _server_tool("mcp_server_name cache_control configs default_config tools"),
    "tools:mcp_toolset.configs": fields("defer_loading enabled", WITHIN),
    "tools:mcp_toolset.default_config": fields("defer_loading enabled", WITHIN),
    "tools:mcp_toolset.tools": fields("name description input_schema", WITHIN),
    "tools:advisor_20260301": {**_server_tool(f"name {_USE} model caching max_tokens max_uses"), "type": _ADVISOR},
    "caching:ephemeral": fields("type ttl", WITHIN),
}  # fmt: skip

CHANGES: Final = {
    "content:tool_addition": unsayable_kind("tool cache_control", "tools are only named at the start there"),
    "content:tool_removal": unsayable_kind("tool cache_control", "tools are only named at the start there"),
    "tool:tool_reference": fields("type name", WITHIN),
    "tool:mcp_tool_reference": fields("type name server_name", WITHIN),
    "tool:mcp_toolset_reference": fields("type server_name", WITHIN),
    "tool:tool_definition": fields("type definition", WITHIN),
}

BLOCKS: Final = {
    "content:server_tool_use": unsayable_kind("id name input caller cache_control"),
    "caller:code_execution_20250825": fields("type tool_id", WITHIN),
    "caller:code_execution_20260120": fields("type tool_id", WITHIN),
    **{
        f"content:{name}": unsayable_kind("tool_use_id content cache_control")
        for name in (
            "advisor_tool_result", "bash_code_execution_tool_result", "code_execution_tool_result",
            "text_editor_code_execution_tool_result", "tool_search_tool_result",
        )
    },
    "content:web_search_tool_result": unsayable_kind("tool_use_id content cache_control caller"),
    "content:web_fetch_tool_result": unsayable_kind("tool_use_id content cache_control caller"),
    "content:mcp_tool_use": unsayable_kind("id name server_name input cache_control"),
    "content:mcp_tool_result": unsayable_kind("tool_use_id content is_error cache_control"),
    "content:mcp_tool_listing": unsayable_kind("mcp_server_name tools"),
    "content:mcp_tool_listing.tools": fields("name description input_schema", WITHIN),
    "content:compaction": unsayable_kind("content encrypted_content signature tool_changes cache_control"),
    "content:fallback": unsayable_kind("from to trigger"),
    "content:fallback.from": fields("model", WITHIN),
    "content:fallback.to": fields("model", WITHIN),
    "content:tool_reference": unsayable_kind("tool_name cache_control"),
    "tool_references:tool_reference": fields("type tool_name cache_control", WITHIN),
    "content:browser_state": unsayable_kind("tabs state_changes cache_control"),
    "content:browser_state.tabs": fields("tab_id title url active", WITHIN),
    "state_changes:tab_opened": fields("type tab_id", WITHIN),
    "state_changes:download_started": fields("type download_id url", WITHIN),
    "state_changes:download_completed": fields("type download_id url path size_bytes", WITHIN),
    "state_changes:download_failed": fields("type download_id url error", WITHIN),
}  # fmt: skip

RESULTS: Final = {
    "content:web_search_result": fields("type encrypted_content title url page_age", WITHIN),
    "content:web_search_tool_result_error": _ERROR,
    "content:web_fetch_result": fields("type content url retrieved_at", WITHIN),
    "content:web_fetch_tool_result_error": _ERROR,
    "content:code_execution_result": fields("type content return_code stderr stdout", WITHIN),
    "content:encrypted_code_execution_result": fields("type content return_code stderr encrypted_stdout", WITHIN),
    "content:code_execution_output": {"type": WITHIN, "file_id": _STORED},
    "content:code_execution_tool_result_error": _ERROR,
    "content:bash_code_execution_result": fields("type content return_code stderr stdout", WITHIN),
    "content:bash_code_execution_output": {"type": WITHIN, "file_id": _STORED},
    "content:bash_code_execution_tool_result_error": _ERROR,
    "content:text_editor_code_execution_view_result": fields(
        "type content file_type num_lines start_line total_lines", WITHIN
    ),
    "content:text_editor_code_execution_create_result": fields("type is_file_update", WITHIN),
    "content:text_editor_code_execution_str_replace_result": fields(
        "type lines old_start old_lines new_start new_lines", WITHIN
    ),
    "content:text_editor_code_execution_tool_result_error": _ERROR_WITH_TEXT,
    "content:tool_search_tool_search_result": fields("type tool_references", WITHIN),
    "content:tool_search_tool_result_error": _ERROR_WITH_TEXT,
    "content:advisor_result": fields("type text stop_reason", WITHIN),
    "content:advisor_redacted_result": fields("type encrypted_content stop_reason", WITHIN),
    "content:advisor_tool_result_error": _ERROR,
}

SERVER_FIELDS: Final[Table] = {**TOOLS, **CHANGES, **BLOCKS, **RESULTS}
