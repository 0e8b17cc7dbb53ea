"""The id of an answer, in the form that the caller's wire gives ids.

It is the provider's own under another prefix: the same for a stream and for the whole answer that it adds up to, and to
be found again in the provider's account.
"""

from __future__ import annotations

from typing import Final

MESSAGE: Final = "msg_"
COMPLETION: Final = "chatcmpl-"
_PREFIXES: Final = (COMPLETION, MESSAGE, "resp_")


def answer_id(given: str, prefix: str) -> str:
    """An answer that has no id stays without."""
    known = next((one for one in _PREFIXES if given.startswith(one)), "")
    return prefix + given.removeprefix(known) if given else ""
