"""What a request may need of a model, by the names that the model registry uses too."""

from __future__ import annotations

TOOLS = "tools"
JSON_SCHEMA = "json_schema"
JSON_OBJECT = "json_object"
VISION = "vision"
AUDIO = "audio"
FILES = "files"
REASONING = "reasoning"
LOGPROBS = "logprobs"
WEB_SEARCH = "web_search"
