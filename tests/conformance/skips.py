"""What of the clients' own surface is not shown to work, each with its reason. A test checks that nothing else is."""

from __future__ import annotations

from collections.abc import Mapping

_GPT = "test_langchain_chat.py::TestChatOpenAIOnGPT"
_CLAUDE = "test_langchain_chat.py::TestChatOpenAIOnClaude"
_OVER_RESPONSES = "test_langchain_chat.py::TestChatOpenAIOverResponses"
_CLAUDE_OVER_RESPONSES = "test_langchain_chat.py::TestChatOpenAIOnClaudeOverResponses"
_REPLAY = "measures LangChain by replaying recorded traffic: nothing is called"
_NO_SOUND = "the responses API takes no sound"
_NO_JSON_MODE = "Claude models have no JSON mode without a schema: refused by name"
_TEXT_RESULT = "a tool's result is text in OpenAI's chat API; LangChain sends pictures and documents over responses"

SKIPS: Mapping[str, str] = {
    f"{_GPT}::test_stream_time": _REPLAY,
    f"{_GPT}::test_image_tool_message": _TEXT_RESULT,
    f"{_GPT}::test_pdf_tool_message": _TEXT_RESULT,
    f"{_CLAUDE}::test_stream_time": _REPLAY,
    f"{_CLAUDE}::test_image_tool_message": _TEXT_RESULT,
    f"{_CLAUDE}::test_pdf_tool_message": _TEXT_RESULT,
    f"{_CLAUDE}::test_audio_inputs": "Claude models take no sound: refused by name",
    f"{_CLAUDE}::test_json_mode": _NO_JSON_MODE,
    f"{_CLAUDE}::test_message_with_name": "Claude models know no names of speakers: refused by name",
    f"{_OVER_RESPONSES}::test_stream_time": _REPLAY,
    f"{_OVER_RESPONSES}::test_audio_inputs": _NO_SOUND,
    f"{_CLAUDE_OVER_RESPONSES}::test_stream_time": _REPLAY,
    f"{_CLAUDE_OVER_RESPONSES}::test_audio_inputs": _NO_SOUND,
    f"{_CLAUDE_OVER_RESPONSES}::test_json_mode": _NO_JSON_MODE,
}
"""Tests that are not run, by their name below this folder. A test that skips itself and is not named here fails."""

NOT_YET: Mapping[str, str] = {}
"""Inherited tests that must fail until what they need is there: one that passes is a failure, to be struck off."""

NODE_NOT_YET: Mapping[str, str] = {}
"""The same for the tests in `node/`, by their name there."""

NO_PACKAGES = "the packages for Node could not be installed"
"""Why Node's tests may be skipped without being listed, except in continuous integration: there is no network."""

OPENAI_NOT_OFFERED: Mapping[str, str] = {
    "admin": "administers an OpenAI organization; Asahi's own is under /governance",
    "audio": "speech and transcription: Asahi carries text, and audio inside a chat",
    "beta": "assistants and threads, which OpenAI replaced by responses",
    "completions": "the completions that chat completions replaced",
    "containers": "sandboxes that run at OpenAI",
    "content_provenance_checks": "checks of media made at OpenAI",
    "conversations": "conversations kept at OpenAI; a response's `previous_response_id` is served",
    "decisions": "a product of OpenAI's platform",
    "evals": "evaluations kept at OpenAI",
    "fine_tuning": "training jobs that run at OpenAI",
    "images": "image generation: Asahi carries text, and images as input",
    "live": "voice over WebRTC and sockets",
    "moderations": "a classifier of OpenAI's own",
    "realtime": "voice over WebRTC and sockets",
    "safety": "a product of OpenAI's platform",
    "skills": "kept and run at OpenAI",
    "uploads": "multi-part upload; a file is uploaded in one part",
    "vector_stores": "kept and searched at OpenAI",
    "videos": "video generation",
    "webhooks": "verifies OpenAI's own webhooks; calls nothing",
}
"""Resources of `openai.OpenAI` that Asahi does not serve: calling one gives OpenAI's error for an unknown address."""

ANTHROPIC_NOT_OFFERED: Mapping[str, str] = {
    "files": "files are kept in OpenAI's form; a document for Claude goes inside the message",
    "organization": "administers an Anthropic organization; Asahi's own is under /governance",
    "skills": "kept and run at Anthropic",
    "user_profiles": "kept at Anthropic",
}
"""The same for `anthropic.Anthropic`."""
