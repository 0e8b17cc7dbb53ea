"""The shape of a request for a response. What does not fit is refused before anything else is looked at."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from inference.simulator.openai.wire import CacheBreakpoint, CacheOptions, Effort, Json, Name

Status = Literal["in_progress", "completed", "incomplete"]
Phase = Literal["commentary", "final_answer"]


class InputText(Struct, tag="input_text"):
    text: str
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class OutputText(Struct, tag="output_text"):
    text: str
    annotations: list[Json] | None = None
    logprobs: list[Json] | None = None


class RefusalPart(Struct, tag="refusal"):
    refusal: str


class InputImage(Struct, tag="input_image"):
    detail: Literal["auto", "low", "high", "original"] = "auto"
    file_id: str | None = None
    image_url: str | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputFile(Struct, tag="input_file"):
    detail: Literal["auto", "low", "high"] | None = None
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


InputPart = InputText | InputImage | InputFile
Part = InputText | OutputText | RefusalPart | InputImage | InputFile


class Message(Struct):
    """A turn. `type` may be left out, which no other item may."""

    role: Literal["user", "system", "developer", "assistant"]
    content: str | list[Part]
    type: Literal["message"] = "message"
    id: str | None = None
    status: Status | None = None
    phase: Phase | None = None


class FunctionCall(Struct):
    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: Status | None = None
    caller: Json | None = None
    namespace: str | None = None
    is_async: bool | None = field(name="async", default=None)


class FunctionCallOutput(Struct):
    type: Literal["function_call_output"]
    call_id: str
    output: str | list[InputPart]
    id: str | None = None
    status: Status | None = None
    caller: Json | None = None
    name: str | None = None
    namespace: str | None = None


class CustomCall(Struct):
    type: Literal["custom_tool_call"]
    call_id: str
    name: str
    input: str
    id: str | None = None
    status: Status | None = None
    caller: Json | None = None
    namespace: str | None = None
    is_async: bool | None = field(name="async", default=None)


class CustomCallOutput(Struct):
    type: Literal["custom_tool_call_output"]
    call_id: str
    output: str | list[InputPart]
    id: str | None = None
    caller: Json | None = None


class SummaryText(Struct):
    type: Literal["summary_text"]
    text: str


class ReasoningItem(Struct):
    type: Literal["reasoning"]
    id: str
    summary: list[SummaryText]
    content: list[Json] | None = None
    encrypted_content: str | None = None
    status: Status | None = None


class WebSearchCall(Struct):
    type: Literal["web_search_call"]
    id: str
    action: Json | None = None
    status: Literal["in_progress", "searching", "completed", "failed", "incomplete"] | None = None


class ItemReference(Struct):
    type: Literal["item_reference"]
    id: str


Item = (
    Message
    | FunctionCall
    | FunctionCallOutput
    | CustomCall
    | CustomCallOutput
    | ReasoningItem
    | WebSearchCall
    | ItemReference
)
ITEMS: dict[str, type[Item]] = {
    "message": Message,
    "function_call": FunctionCall,
    "function_call_output": FunctionCallOutput,
    "custom_tool_call": CustomCall,
    "custom_tool_call_output": CustomCallOutput,
    "reasoning": ReasoningItem,
    "web_search_call": WebSearchCall,
    "item_reference": ItemReference,
}


class FunctionTool(Struct):
    type: Literal["function"]
    name: Name
    parameters: Json | None = None
    strict: bool | None = None
    description: str | None = None
    allowed_callers: list[str] | None = None
    defer_loading: bool | None = None
    output_schema: Json | None = None
    is_async: bool | None = field(name="async", default=None)


class CustomTool(Struct):
    type: Literal["custom"]
    name: Name
    description: str | None = None
    format: Json | None = None
    allowed_callers: list[str] | None = None
    defer_loading: bool | None = None
    is_async: bool | None = field(name="async", default=None)


class WebSearchTool(Struct):
    type: Literal["web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"]
    external_web_access: bool | None = None
    filters: Json | None = None
    search_content_types: list[Literal["text", "image"]] | None = None
    search_context_size: Literal["low", "medium", "high"] | None = None
    user_location: Json | None = None


Tool = FunctionTool | CustomTool | WebSearchTool


class NamedChoice(Struct):
    type: Literal["function", "custom"]
    name: str


class AllowedChoice(Struct):
    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: list[Json]


class SearchChoice(Struct):
    type: Literal["web_search_preview", "web_search_preview_2025_03_11"]


class PlainFormat(Struct, tag="text"):
    pass


class JsonObjectFormat(Struct, tag="json_object"):
    pass


class JsonSchemaFormat(Struct, tag="json_schema"):
    name: Name
    schema: Json
    description: str | None = None
    strict: bool | None = None


class Text(Struct):
    format: PlainFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(Struct):
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    effort: Effort | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    mode: str | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class StreamOptions(Struct):
    include_obfuscation: bool | None = None


class ResponseCacheOptions(CacheOptions):
    comparison_response_id: str | None = None
    prewarm: bool | None = None


class ConversationRef(Struct):
    id: str


Includable = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
MetadataValue = Annotated[str, Meta(max_length=512)]
Metadata = Annotated[dict[Annotated[str, Meta(max_length=64)], MetadataValue], Meta(max_length=16)]


class ResponseRequest(Struct, kw_only=True):
    """Items, tools and the choice of one are given their types afterwards: their tags are not always there."""

    model: str
    input: str | Annotated[list[Json], Meta(min_length=1)] | None = None
    access_programs: Json | None = None
    background: bool | None = None
    context_management: list[Json] | None = None
    conversation: str | ConversationRef | None = None
    image: Json | None = None
    include: list[Includable] | None = None
    instructions: str | None = None
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None
    metadata: Metadata | None = None
    moderation: Json | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt: Json | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: ResponseCacheOptions | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    reasoning: Reasoning | None = None
    safety_identifier: str | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    text: Text | None = None
    tool_choice: Literal["none", "auto", "required"] | Json | None = None
    tools: Annotated[list[Json], Meta(max_length=128)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    user: str | None = None
