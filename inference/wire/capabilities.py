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
PREDICTION = "prediction"

AUDIO_OUTPUT = "audio_output"
"""Answers in sound; AUDIO is for listening."""
SEVERAL_ANSWERS = "several_answers"
"""Takes `n` above 1."""
CUSTOM_TOOLS = "custom_tools"
"""Calls tools whose input is a text, not an object."""

SAMPLING = "sampling"
"""Takes a temperature and top_p."""
REASONING_OFF = "reasoning_off"
"""Reasons, but need not."""
LATE_INSTRUCTIONS = "late_instructions"
"""Takes system messages after a user's turn, not only before the first."""
