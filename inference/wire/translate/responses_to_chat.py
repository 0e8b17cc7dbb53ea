"""A response as a chat completion, whole and streamed. What a model thought, and how it searched, stays out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import msgspec

from inference.wire.decoding import INVALID
from inference.wire.sse import DONE, data_of, event_of
from inference.wire.translate.answer_ids import COMPLETION, answer_id
from inference.wire.translate.refusal import Untranslatable, UntranslatableError, refuse_answer
from inference.wire.usage import ResponsesUsage, responses_usage

Json = dict[str, Any]

_SILENT: Final = frozenset({"reasoning", "web_search_call", "file_search_call", "mcp_list_tools", "mcp_call"})
"""Items that led to what is said, and are no part of it."""

_CUT: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def response_to_chat(body: bytes) -> bytes | Untranslatable:
    """A whole response as a completion of one choice."""
    try:
        return msgspec.json.encode(_to_chat(msgspec.json.decode(body)))
    except UntranslatableError as error:
        return error.refusal
    except (*INVALID, KeyError, TypeError, AttributeError):
        return Untranslatable("answer", "The provider's answer is not valid.")


def _to_chat(response: Json) -> Json:
    texts: list[str] = []
    refusals: list[str] = []
    calls: list[Json] = []
    for index, item in enumerate(response["output"]):
        if item["type"] == "message":
            texts += [part["text"] for part in item["content"] if part["type"] == "output_text"]
            refusals += [part["refusal"] for part in item["content"] if part["type"] == "refusal"]
        elif call := call_of(item):
            calls.append(call)
        elif item["type"] not in _SILENT:
            refuse_answer(f"output[{index}].type", "it is of a kind that the caller's wire does not have")
    message: Json = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) or None,
    }
    if calls:
        message["tool_calls"] = calls
    reason = finish_reason(response, has_calls=bool(calls))
    return {
        **head_of(response, "chat.completion"),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": usage_to_chat(response.get("usage")),
    }


def head_of(response: Json, kind: str) -> Json:
    told = {
        "id": answer_id(given, COMPLETION) if isinstance(given := response.get("id"), str) else "",
        "object": kind,
        "created": int(response.get("created_at") or 0),
        "model": response.get("model", ""),
    }
    return {**told, "service_tier": response["service_tier"]} if response.get("service_tier") else told


def call_of(item: Json) -> Json | None:
    """A call as chat has it; None for every other item."""
    if item["type"] == "function_call":
        function = {"name": item["name"], "arguments": item["arguments"]}
        return {"id": item["call_id"], "type": "function", "function": function}
    if item["type"] == "custom_tool_call":
        return {"id": item["call_id"], "type": "custom", "custom": {"name": item["name"], "input": item["input"]}}
    return None


def finish_reason(response: Json, *, has_calls: bool) -> str:
    if response.get("status") == "incomplete":
        return _CUT.get(str((response.get("incomplete_details") or {}).get("reason")), "length")
    return "tool_calls" if has_calls else "stop"


def usage_to_chat(usage: Json | None) -> Json | None:
    """None when it cannot be true."""
    try:
        msgspec.convert(usage, ResponsesUsage)
    except msgspec.ValidationError:
        return None
    used = responses_usage(msgspec.json.encode({"usage": usage}))
    if used is None:
        return None
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": used.cached_input_tokens,
            "cache_write_tokens": used.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }


class ResponsesToChat:
    """Takes the events of one stream in order, gives the chunks that say the same.

    `broken` names the first thing that the chat wire cannot say; from then on the stream is not the whole answer.
    """

    def __init__(self) -> None:
        self._head: Json = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": ""}
        self._calls: dict[int, int] = {}
        self._custom: set[int] = set()
        self.broken: str | None = None

    def feed(self, event: bytes) -> list[bytes]:
        data = data_of(event)
        if not data:
            return [event] if event.startswith(b":") else []
        try:
            return self._translate(msgspec.json.decode(data))
        except (*INVALID, KeyError, TypeError, AttributeError):
            self.broken = self.broken or "an event that is not valid"
            return []

    def _translate(self, event: Json) -> list[bytes]:
        handle = self._HANDLERS.get(event["type"])
        return [] if handle is None else handle(self, event)

    def _begin(self, event: Json) -> list[bytes]:
        self._head = head_of(event["response"], "chat.completion.chunk")
        return [self._chunk({"role": "assistant", "content": ""})]

    def _text(self, event: Json) -> list[bytes]:
        return [self._chunk({"content": event["delta"]})]

    def _refusal(self, event: Json) -> list[bytes]:
        return [self._chunk({"refusal": event["delta"]})]

    def _added(self, event: Json) -> list[bytes]:
        index, item = event["output_index"], event["item"]
        call = call_of(item)
        if call is None:
            if item["type"] != "message" and item["type"] not in _SILENT:
                self.broken = self.broken or f"an item of type {item['type']}"
            return []
        self._calls[index] = len(self._calls)
        if call["type"] == "custom":
            self._custom.add(index)
        return [self._chunk({"tool_calls": [{"index": self._calls[index], **call}]})]

    def _written(self, event: Json) -> list[bytes]:
        index, piece = event["output_index"], event["delta"]
        inner = {"custom": {"input": piece}} if index in self._custom else {"function": {"arguments": piece}}
        return [self._chunk({"tool_calls": [{"index": self._calls[index], **inner}]})]

    def _end(self, event: Json) -> list[bytes]:
        response = event["response"]
        reason = finish_reason(response, has_calls=bool(self._calls))
        ending = [self._chunk({}, reason)]
        if usage := usage_to_chat(response.get("usage")):
            tier = {"service_tier": response["service_tier"]} if response.get("service_tier") else {}
            ending.append(event_of(msgspec.json.encode({**self._head, **tier, "choices": [], "usage": usage})))
        return [*ending, DONE]

    def _failed(self, event: Json) -> list[bytes]:
        """Told by an event of its own, or by what became of the response."""
        error = (event.get("response") or {}).get("error") or event
        said = {"message": str(error.get("message") or ""), "type": "api_error", "param": None, "code": None}
        return [event_of(msgspec.json.encode({"error": said}))]

    def _chunk(self, delta: Json, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event_of(msgspec.json.encode({**self._head, "choices": [choice], "usage": None}))

    _HANDLERS: ClassVar[dict[str, Callable[[ResponsesToChat, Json], list[bytes]]]] = {
        "response.created": _begin,
        "response.output_item.added": _added,
        "response.output_text.delta": _text,
        "response.refusal.delta": _refusal,
        "response.function_call_arguments.delta": _written,
        "response.custom_tool_call_input.delta": _written,
        "response.completed": _end,
        "response.incomplete": _end,
        "response.failed": _failed,
        "error": _failed,
    }
