"""What LangChain's standard tests need from outside: answers that show understanding, and files from the web.

A simulator understands nothing, so the few prompts whose answer is checked word by word are recorded. The pictures,
sounds and documents that the tests fetch are made here instead.
"""

from __future__ import annotations

import base64
from typing import Any

import httpx

from tests.conformance.examples import PDF, PNG, WAV
from tests.served import Simulator

_JOKE = (
    "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys. "
    "Return nothing other than JSON."
)
_CALLS: dict[str, dict[str, Any]] = {
    "What is the value of magic_function(3)? Use the tool.": {"magic_function": {"input": 3}},
    "What is the weather in San Francisco, CA?": {"get_weather": {"location": "San Francisco, CA"}},
    "Create a customer named '你好啊集团' (Hello Group) - a Chinese technology company": {
        "unicode_customer": {"customer_name": "你好啊集团", "description": "技术"}
    },
    "Create a customer named 'こんにちは株式会社' (Hello Corporation) - a Japanese company": {
        "unicode_customer": {"customer_name": "こんにちは株式会社", "description": "会社"}
    },
}
_FILES = {".png": PNG, ".pdf": PDF, ".wav": WAV}


def record_what_is_understood(simulator: Simulator) -> None:
    for prompt, calls in _CALLS.items():
        simulator.record("*", prompt, "It is done.", **calls)
    simulator.record("*", _JOKE, '{"setup": "Why did the cat sit on the key?", "punchline": "For a purr-fect note."}')


def fetch(url: str, **_: Any) -> httpx.Response:
    """In the place of `httpx.get`: a small file of the kind that the address names."""
    kind = url[url.rindex(".") :]
    return httpx.Response(200, content=base64.b64decode(_FILES[kind]), request=httpx.Request("GET", url))
