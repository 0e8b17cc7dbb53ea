"""The shape of Anthropic's requests. What does not fit is refused before anything else is looked at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Json = dict[str, Any]
NonEmpty = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(ge=0, le=1)]


class CacheControl(Struct):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class TextBlock(Struct, tag="text"):
    text: str
    cache_control: CacheControl | None = None
    citations: list[Json] | None = None


class Source(Struct):
    """Where a picture or a document is: `base64` and `text` carry data, `url` and `file` point to it."""

    type: Literal["base64", "url", "file", "text", "content"]
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: str | list[Json] | None = None


class ImageBlock(Struct, tag="image"):
    source: Source
    cache_control: CacheControl | None = None
    transformations: Json | None = None


class DocumentBlock(Struct, tag="document"):
    source: Source
    cache_control: CacheControl | None = None
    citations: Json | None = None
    context: str | None = None
    title: str | None = None


class SearchResultBlock(Struct, tag="search_result"):
    content: list[TextBlock]
    source: str
    title: str
    cache_control: CacheControl | None = None
    citations: Json | None = None


class ThinkingBlock(Struct, tag="thinking"):
    thinking: str
    signature: str


class RedactedThinkingBlock(Struct, tag="redacted_thinking"):
    data: str


class ToolUseBlock(Struct, tag="tool_use"):
    id: Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]+$")]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    input: Json
    cache_control: CacheControl | None = None
    caller: Json | None = None
    toolset_name: str | None = None


class ToolResultBlock(Struct, tag="tool_result"):
    tool_use_id: str
    content: str | list[TextBlock | ImageBlock | DocumentBlock | SearchResultBlock] = ""
    is_error: bool = False
    cache_control: CacheControl | None = None
    toolset_name: str | None = None


class ServerToolUseBlock(Struct, tag="server_tool_use"):
    id: str
    name: str
    input: Json
    cache_control: CacheControl | None = None
    caller: Json | None = None


class WebSearchResultBlock(Struct, tag="web_search_tool_result"):
    """What the provider's own search found, given back to it in a later turn."""

    tool_use_id: str
    content: list[Json] | Json
    cache_control: CacheControl | None = None
    caller: Json | None = None


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
    | ServerToolUseBlock
    | WebSearchResultBlock
)


class UserMessage(Struct, tag_field="role", tag="user"):
    content: str | list[Block]


class AssistantMessage(Struct, tag_field="role", tag="assistant"):
    content: str | list[Block]


class SystemMessage(Struct, tag_field="role", tag="system"):
    content: str | list[TextBlock]


Message = UserMessage | AssistantMessage | SystemMessage


class Tool(Struct):
    """A client tool. Anthropic's own tool types have no schema and are told apart by `type`."""

    name: Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,128}$")]
    input_schema: Json
    description: str | None = None
    type: Literal["custom"] | None = None
    cache_control: CacheControl | None = None
    allowed_callers: list[str] | None = None
    defer_loading: bool | None = None
    eager_input_streaming: bool | None = None
    input_examples: list[Json] | None = None
    strict: bool | None = None


class OwnTool(Struct):
    """A tool that Anthropic defines, such as `bash_20250124`; its other fields depend on its type."""

    type: str
    name: str
    cache_control: CacheControl | None = None


class AutoChoice(Struct, tag="auto"):
    disable_parallel_tool_use: bool = False


class AnyChoice(Struct, tag="any"):
    disable_parallel_tool_use: bool = False


class ToolChoice(Struct, tag="tool"):
    name: str
    disable_parallel_tool_use: bool = False


class NoneChoice(Struct, tag="none"):
    pass


class EnabledThinking(Struct, tag="enabled"):
    budget_tokens: Annotated[int, Meta(ge=1024)]
    display: Literal["summarized", "omitted"] | None = None


class AdaptiveThinking(Struct, tag="adaptive"):
    display: Literal["summarized", "omitted"] | None = None


class DisabledThinking(Struct, tag="disabled"):
    pass


class BetweenToolsThinking(Struct, tag="between_tools"):
    pass


Thinking = EnabledThinking | AdaptiveThinking | DisabledThinking | BetweenToolsThinking


class JsonFormat(Struct):
    type: Literal["json_schema"]
    schema: Json


class OutputConfig(Struct):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonFormat | None = None


class Metadata(Struct):
    user_id: Annotated[str, Meta(max_length=256)] | None = None


class Conversation(Struct, kw_only=True):
    """What is common to asking for an answer and asking for a count."""

    model: NonEmpty
    messages: Annotated[list[Message], Meta(min_length=1)]
    cache_control: CacheControl | None = None
    output_config: OutputConfig | None = None
    speed: Literal["standard", "fast"] | None = None
    system: str | list[TextBlock] | None = None
    thinking: Thinking | None = None
    tool_choice: AutoChoice | AnyChoice | ToolChoice | NoneChoice | None = None
    tools: list[Json] | None = None
    user_profile_id: str | None = None


class MessagesRequest(Conversation, kw_only=True):
    """`max_tokens` 0 only fills the prompt cache."""

    max_tokens: Annotated[int, Meta(ge=0)]
    container: Json | str | None = None
    diagnostics: Json | None = None
    inference_geo: str | None = None
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    stop_sequences: list[str] | None = None
    stream: bool = False
    temperature: Share | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    top_p: Share | None = None
