"""Whether a request may be answered from a cache at all. Asked before anything is looked up; the reason is noted.

An exact repeat may be answered with what was answered before, unless its answer holds only for the moment or belongs
to an agent's loop: an agent that asks again wants to know what is so now. To answer by meaning takes more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caching.cacheability import ABOUT_NOW, asks_about_now, refusal_reason
from governance.domain import PolicySnapshot
from inference.domain import CacheMode, Call, Order

_TOOL_LOOP = "a turn in a tool loop"
_SEARCHES = "searches for what is so now"
_HIGH_TEMPERATURE = 1.0


def refusal_of_exact(policy: PolicySnapshot, call: Call, task_text: str) -> str:
    """Why neither T1 nor any other cache may answer; empty when T1 may."""
    if call.controls.cache is CacheMode.OFF:
        return "switched off for this request"
    if not policy.cache_enabled:
        return "switched off by the organization's policy"
    if _in_tool_loop(call.body):
        return _TOOL_LOOP
    if call.controls.cache is not CacheMode.EXACT and asks_about_now(task_text):
        return ABOUT_NOW  # a caller who asks for exactly this cache knows better
    if call.controls.cache is not CacheMode.EXACT and call.searches:
        return _SEARCHES
    return ""


def refusal_of_semantic(order: Order) -> str:
    """Why T2 may not answer, by everything but the question; empty when it may. T1 was allowed to."""
    policy, call = order.principal.policy, order.call
    if call.controls.cache is CacheMode.EXACT:
        return "only exact repeats are wanted"
    if not policy.semantic_cache_enabled:
        return "switched off by the organization's policy"
    if call.body.get("tools") or call.body.get("functions"):
        return "may call tools"
    if (call.body.get("n") or 1) > 1:
        return "asks for several answers"
    temperature = call.body.get("temperature")
    if isinstance(temperature, int | float) and temperature > _HIGH_TEMPERATURE and call.body.get("seed") is None:
        return "wants a new answer each time: a high temperature and no seed"
    return ""


def refusal_of_question(text: str) -> str:
    """Why this question may not be answered by meaning; empty when it may."""
    return refusal_reason(text) or ""


def _in_tool_loop(body: Mapping[str, Any]) -> bool:
    """Whether the conversation ends in what a tool answered."""
    turns = body.get("messages") or body.get("input")
    last = turns[-1] if isinstance(turns, list) and turns else None
    if not isinstance(last, dict):
        return False
    if last.get("role") in ("tool", "function") or str(last.get("type", "")).endswith("_output"):
        return True
    content = last.get("content")
    return isinstance(content, list) and any(
        isinstance(part, dict) and str(part.get("type", "")).endswith("tool_result") for part in content
    )
