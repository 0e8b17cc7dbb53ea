"""What of the clients' own surface is not shown to work, each with its reason. A test checks that nothing else is."""

from __future__ import annotations

from collections.abc import Mapping

SKIPS: Mapping[str, str] = {}
"""Tests that are not run, by their name below this folder. A test that skips itself and is not named here fails."""

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
    "files": "kept at Anthropic; a document goes inside the message",
    "organization": "administers an Anthropic organization; Asahi's own is under /governance",
    "skills": "kept and run at Anthropic",
    "user_profiles": "kept at Anthropic",
    "messages.batches": "batches are served in OpenAI's form, for Claude models too",
}
"""The same for `anthropic.Anthropic`."""
