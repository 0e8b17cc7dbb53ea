"""The question at the end of a text that begins with a document.

Where one ends and the other begins must be beyond doubt: what is taken for the question is compared by meaning, and a
document must never be. So a question is what stands behind a label, or a last short paragraph that asks something.
"""

from __future__ import annotations

import re

_LONGEST = 1_000
"""Characters of a question with what follows it."""
_LONGEST_UNLABELLED = 400
_LABEL = re.compile(
    r"(?:^|\n)[ \t#*_>]*(?:(?:the |my |user(?:'s)? )?(?:question|query|task)|q)[ \t*_]*:[\s*_]*", re.IGNORECASE
)
_CUE = re.compile(r"\n\s*[*_#>]*(?:your |the )?(?:answer|response|a)[ \t*_]*:?[\s*_]*$", re.IGNORECASE)
"""What calls for the answer behind a question. Any other further line might be the document's."""


def question_begins(text: str) -> int:
    """The character at which the question begins that a text ends in; 0 when that is not certain."""
    if "\n" not in text:
        return 0
    labels = list(_LABEL.finditer(text, max(len(text) - _LONGEST - 1, 0)))
    if labels:
        begins = labels[-1].end()
        asked = _CUE.sub("", text[begins:]).strip()
        return begins if asked and "\n" not in asked and text[: labels[-1].start()].strip() else 0
    ends = len(text.rstrip())
    begins = text.rfind("\n\n", 0, ends) + 2
    last = text[begins:ends]
    if begins == 1 or len(last) > _LONGEST_UNLABELLED or not last.endswith("?") or "\n" in last:
        return 0
    return 0 if _asks(text[:begins]) else begins


def _asks(text: str) -> bool:
    """Whether a text begins with a question of its own: then what it ends in may be the document's."""
    first = text.lstrip().partition("\n")[0].rstrip()
    return first.endswith("?") or bool(_LABEL.match(first))
