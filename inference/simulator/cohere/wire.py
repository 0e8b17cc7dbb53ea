"""The shape of Cohere's requests. What does not fit is refused before anything else is looked at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Json = dict[str, Any]
Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]


class TextContent(Struct, tag="text"):
    text: str


class ThinkingContent(Struct, tag="thinking"):
    thinking: str


class ImageUrl(Struct):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImageContent(Struct, tag="image_url"):
    image_url: ImageUrl


class DocumentContent(Struct, tag="document"):
    document: Json


class CalledFunction(Struct):
    name: str
    arguments: str


class CallRef(Struct):
    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class UserMessage(Struct, tag_field="role", tag="user"):
    content: str | Annotated[list[TextContent | ImageContent], Meta(min_length=1)]


class AssistantMessage(Struct, tag_field="role", tag="assistant"):
    content: str | list[TextContent | ThinkingContent] | None = None
    tool_calls: list[CallRef] | None = None
    tool_plan: str | None = None
    citations: list[Json] | None = None


class SystemMessage(Struct, tag_field="role", tag="system"):
    content: str | list[TextContent]


class ToolMessage(Struct, tag_field="role", tag="tool"):
    tool_call_id: str
    content: str | list[TextContent | DocumentContent]


Message = UserMessage | AssistantMessage | SystemMessage | ToolMessage


class Function(Struct):
    name: Annotated[str, Meta(min_length=1)]
    parameters: Json
    description: str | None = None


class Tool(Struct):
    function: Function
    type: Literal["function"] = "function"


class TextFormat(Struct, tag="text"):
    pass


class JsonFormat(Struct, tag="json_object"):
    json_schema: Json | None = None
    schema: Json | None = None


class Thinking(Struct):
    type: Literal["enabled", "disabled"]
    token_budget: Positive | None = None


class ChatRequest(Struct, kw_only=True):
    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    citation_options: Json | None = None
    documents: list[str | Json] | None = None
    frequency_penalty: Share | None = None
    k: Annotated[int, Meta(ge=0, le=500)] | None = None
    logprobs: bool | None = None
    max_tokens: Positive | None = None
    p: Annotated[float, Meta(ge=0.01, le=0.99)] | None = None
    presence_penalty: Share | None = None
    priority: Annotated[int, Meta(ge=0, le=999)] | None = None
    response_format: TextFormat | JsonFormat | None = None
    safety_mode: Literal["CONTEXTUAL", "STRICT", "OFF"] | None = None
    seed: Annotated[int, Meta(ge=0)] | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=5)] | None = None
    stream: bool | None = None
    strict_tools: bool | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    thinking: Thinking | None = None
    tool_choice: Literal["REQUIRED", "NONE"] | None = None
    tools: list[Tool] | None = None


InputType = Literal["search_document", "search_query", "classification", "clustering", "image"]
EmbeddingType = Literal["float", "int8", "uint8", "binary", "ubinary", "base64"]


class MixedInput(Struct):
    content: Annotated[list[TextContent | ImageContent], Meta(min_length=1)]


class EmbedRequest(Struct, kw_only=True):
    """Both versions; version 1 has no `inputs`, no `output_dimension` and no `max_tokens`."""

    model: str
    embedding_types: Annotated[list[EmbeddingType], Meta(min_length=1)] | None = None
    images: Annotated[list[str], Meta(min_length=1, max_length=1)] | None = None
    input_type: InputType | None = None
    inputs: Annotated[list[MixedInput], Meta(min_length=1, max_length=96)] | None = None
    max_tokens: Positive | None = None
    output_dimension: Literal[256, 512, 1024, 1536] | None = None
    priority: Annotated[int, Meta(ge=0, le=999)] | None = None
    texts: Annotated[list[str], Meta(min_length=1, max_length=96)] | None = None
    truncate: Literal["NONE", "START", "END"] | None = None
