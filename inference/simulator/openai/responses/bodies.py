"""A response as one JSON object: what was asked, told back with the defaults filled in, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from inference.simulator.answers import Answer, Finish
from inference.simulator.openai.responses import wire
from inference.simulator.openai.responses.outputs import Item
from inference.simulator.prefixes import CacheUse

Json = dict[str, Any]
_TIERS = {"flex": "flex", "priority": "priority", "fast": "priority", "scale": "scale", "ultrafast": "ultrafast"}


def new_body(request: wire.ResponseRequest, *, response_id: str, effort: str) -> Json:
    """The response before anything was done."""
    text = request.text or wire.Text()
    conversation = request.conversation
    return {
        "id": response_id,
        "object": "response",
        "created_at": int(time.time()),
        "status": "queued",
        "background": bool(request.background),
        "completed_at": None,
        "conversation": {"id": conversation_id(conversation)} if conversation else None,
        "error": None,
        "incomplete_details": None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "metadata": request.metadata or {},
        "model": request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.previous_response_id,
        "prompt_cache_key": request.prompt_cache_key,
        "reasoning": {"effort": effort, "summary": request.reasoning.summary if request.reasoning else None},
        "safety_identifier": request.safety_identifier,
        "service_tier": _TIERS.get(request.service_tier or "", "default"),
        "store": request.store is not False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": {
            "format": msgspec.to_builtins(text.format or wire.PlainFormat()),
            "verbosity": text.verbosity or "medium",
        },
        "tool_choice": request.tool_choice or "auto",
        "tools": request.tools or [],
        "top_logprobs": request.top_logprobs or 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": request.truncation or "disabled",
        "usage": None,
        "user": request.user,
    }


def conversation_id(conversation: str | wire.ConversationRef) -> str:
    return conversation if isinstance(conversation, str) else conversation.id


def finished(body: Json, answer: Answer, items: Sequence[Item], usage: Json, *, searches: int) -> Json:
    cut = answer.finish is Finish.LENGTH
    return {
        **body,
        "status": "incomplete" if cut else "completed",
        "completed_at": None if cut else int(time.time()),
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": [item.done for item in items],
        "usage": usage,
        "tool_usage": {"web_search": {"num_requests": searches}},
    }


def usage_of(answer: Answer, *, prompt_tokens: int, cache: CacheUse) -> Json:
    return {
        "input_tokens": prompt_tokens,
        "input_tokens_details": {"cached_tokens": cache.read, "cache_write_tokens": cache.written},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": prompt_tokens + answer.output_tokens,
    }


def listed_items(items: Sequence[wire.Item], new_ids: Sequence[str]) -> list[Json]:
    """The input as it is listed later: every item with an id, a text as a part."""
    listed = []
    for item, new_id in zip(items, new_ids, strict=True):
        body = {key: value for key, value in msgspec.to_builtins(item).items() if value is not None}
        if isinstance(item, wire.Message) and isinstance(item.content, str):
            kind = "output_text" if item.role == "assistant" else "input_text"
            body["content"] = [{"type": kind, "text": item.content}]
        listed.append({**body, "id": body.get("id") or new_id})
    return listed
