"""The shape of OpenAI's requests. What does not fit is refused before anything else is looked at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
Json = dict[str, Any]
Positive = Annotated[int, Meta(ge=1)]


class CacheBreakpoint(Struct):
    mode: Literal["explicit"]
    ttl: Literal["30m", "12h"] | None = None


class TextPart(Struct, tag="text"):
    """`cache_control` is Anthropic's: clients write it for every model, and OpenAI passes over it in content."""

    text: str
    cache_control: Any = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class RefusalPart(Struct, tag="refusal"):
    refusal: str


class ImageUrl(Struct):
    url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class ImagePart(Struct, tag="image_url"):
    image_url: ImageUrl
    cache_control: Any = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputAudio(Struct):
    data: str
    format: Literal["wav", "mp3"]


class AudioPart(Struct, tag="input_audio"):
    input_audio: InputAudio
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class FileRef(Struct):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(Struct, tag="file"):
    file: FileRef
    cache_control: Any = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


UserPart = TextPart | ImagePart | AudioPart | FilePart
AssistantPart = TextPart | RefusalPart


class CalledFunction(Struct):
    name: str
    arguments: str


class CalledCustom(Struct):
    name: str
    input: str


class FunctionCallRef(Struct, tag="function"):
    id: str
    function: CalledFunction


class CustomCallRef(Struct, tag="custom"):
    id: str
    custom: CalledCustom


CallRef = FunctionCallRef | CustomCallRef


class SystemMessage(Struct, tag_field="role", tag="system"):
    content: str | list[TextPart]
    name: str | None = None


class DeveloperMessage(Struct, tag_field="role", tag="developer"):
    content: str | list[TextPart]
    name: str | None = None


class UserMessage(Struct, tag_field="role", tag="user"):
    content: str | Annotated[list[UserPart], Meta(min_length=1)]
    name: str | None = None


class AssistantMessage(Struct, tag_field="role", tag="assistant"):
    content: str | list[AssistantPart] | None = None
    refusal: str | None = None
    name: str | None = None
    tool_calls: Annotated[list[CallRef], Meta(min_length=1)] | msgspec.UnsetType = msgspec.UNSET
    function_call: CalledFunction | None = None
    audio: Json | None = None
    annotations: list[Json] | None = None


class ToolMessage(Struct, tag_field="role", tag="tool"):
    tool_call_id: str
    content: str | list[TextPart]


class FunctionMessage(Struct, tag_field="role", tag="function"):
    name: str
    content: str | None


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage


class FunctionDefinition(Struct):
    name: Name
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None


class FunctionTool(Struct, tag="function"):
    function: FunctionDefinition


class CustomDefinition(Struct):
    name: Name
    description: str | None = None
    format: Json | None = None


class CustomTool(Struct, tag="custom"):
    custom: CustomDefinition


class Named(Struct):
    name: str


class FunctionChoice(Struct, tag="function"):
    function: Named


class CustomChoice(Struct, tag="custom"):
    custom: Named


class AllowedTools(Struct):
    mode: Literal["auto", "required"]
    tools: list[FunctionChoice | CustomChoice]


class AllowedChoice(Struct, tag="allowed_tools"):
    allowed_tools: AllowedTools


class JsonSchema(Struct):
    name: Name
    description: str | None = None
    schema: Json | None = None
    strict: bool | None = None


class TextFormat(Struct, tag="text"):
    pass


class JsonObjectFormat(Struct, tag="json_object"):
    pass


class JsonSchemaFormat(Struct, tag="json_schema"):
    json_schema: JsonSchema


class StreamOptions(Struct):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class CacheOptions(Struct):
    mode: Literal["implicit", "explicit"] | None = None
    ttl: Literal["30m"] | None = None


class Sound(Struct):
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]
    voice: str | Json


class Approximate(Struct):
    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class UserLocation(Struct):
    type: Literal["approximate"]
    approximate: Approximate


class WebSearchOptions(Struct):
    search_context_size: Literal["low", "medium", "high"] | None = None
    user_location: UserLocation | None = None


Penalty = Annotated[float, Meta(ge=-2, le=2)]
Stop = Annotated[list[str], Meta(max_length=4)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class ChatRequest(Struct, kw_only=True):
    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    audio: Sound | None = None
    frequency_penalty: Penalty | None = None
    function_call: Literal["none", "auto"] | Named | None = None
    functions: Annotated[list[FunctionDefinition], Meta(min_length=1)] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    max_completion_tokens: Positive | None = None
    max_tokens: Positive | None = None
    metadata: dict[str, str] | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    moderation: Json | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    parallel_tool_calls: bool | None = None
    prediction: Json | None = None
    presence_penalty: Penalty | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: CacheOptions | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    reasoning_effort: Effort | None = None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    stop: str | Stop | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    tool_choice: Literal["none", "auto", "required"] | FunctionChoice | CustomChoice | AllowedChoice | None = None
    tools: Annotated[list[FunctionTool | CustomTool], Meta(min_length=1, max_length=128)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    user: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    web_search_options: WebSearchOptions | None = None


Tokens = Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=1)]


class EmbeddingRequest(Struct, kw_only=True):
    """`input` is a text, texts, tokens or lists of tokens; a union of lists is told apart after decoding."""

    model: str
    input: str | Annotated[list[Any], Meta(min_length=1, max_length=2048)]
    dimensions: Positive | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
