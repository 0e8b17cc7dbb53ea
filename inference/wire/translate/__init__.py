"""Chat and messages, each as the other, and responses as both: requests, whole answers, and streams event by event.

What a request says is either said on the other wire or refused by name, as an `Untranslatable`. Three things are no
part of what a request says and end at the border: where a provider should cache a prefix (unless the other wire can
mark it), how a stream is delivered, and the signed notes that another model wrote for itself.
"""

from __future__ import annotations

from inference.wire.translate.answers import answer_to_chat, answer_to_messages
from inference.wire.translate.chat_request import to_messages
from inference.wire.translate.messages_request import to_chat
from inference.wire.translate.refusal import Untranslatable
from inference.wire.translate.steps import Way
from inference.wire.translate.stream_to_chat import StreamToChat
from inference.wire.translate.stream_to_messages import StreamToMessages

__all__ = [
    "StreamToChat",
    "StreamToMessages",
    "Untranslatable",
    "Way",
    "answer_to_chat",
    "answer_to_messages",
    "to_chat",
    "to_messages",
]
