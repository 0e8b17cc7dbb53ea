"""Whether a question may be answered from T2 at all, by its text alone and before anything is looked up.

An answer about now, about somebody's state, or to a command with effects is right once. A possessive alone says
nothing: "why was my card declined" wants the same explanation for everybody, "what is my balance" does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LEAST_CHARACTERS, _MOST_CHARACTERS = 6, 4_000

_NOW = re.compile(
    r"\b(?:today(?:['’]s)?|tonight|right now|just now|at the moment|at present|as of (?:now|today)|yesterday(?:['’]s)?"
    r"|tomorrow(?:['’]s)?|this (?:week|weekend|month)|nowadays"
    r"|breaking news|up[- ]to[- ]date|real[- ]?time|live (?:score|price|rate|update)s?"
    r"|latest|newest|most recent|so far this)\b"
    r"|\b(?:what|which) (?:time|day|date) is (?:it|today)\b|\bwhat['’]s the time\b",
    re.IGNORECASE,
)
_CURRENT = re.compile(
    r"\bcurrent(?:ly)?\b(?=.{0,40}\b(?:price|rate|balance|score|status|weather|temperature|time|date|value|transaction|"
    r"order|stock|president|ceo|version|exchange|news|market|inflation|population|position|location)s?\b)"
    r"|\b(?:weather|forecast|temperature)\b.{0,30}\b(?:in|for|like)\b"
    r"|\b(?:stock|share|bitcoin|gold|oil) price of\b|\bscore of the (?:game|match)\b",
    re.IGNORECASE,
)
_STATE = (
    r"balance|credit score|order(?: status)?|orders|pending \w+|recent \w+|last (?:order|payment|transaction"
    r"|transfer|invoice|"
    r"login|purchase|statement)|transactions|statement|invoices?|appointments?|calendar|inbox|emails?|messages?"
    r"|schedule|"
    r"tasks?|to-?do list|subscription status|account (?:number|status|details|balance)|points|cart|basket"
    r"|flight status|"
    r"booking|reservation|delivery status|tracking number|usage|remaining \w+|available credit|spending|portfolio"
    r"|location"
)
_PERSONAL = re.compile(
    rf"\b(?:what(?:['’]s| is| are| was| were)|show(?: me)?|list|give me|tell me|display|look up|pull up|"
    rf"get me|fetch|how much is|how (?:much|many) (?:do|did) i (?:have|owe|spend|spent|earn)(?: \w+){{0,2}}? ?in)"
    rf"(?: \w+){{0,1}}? (?:my|our) (?:\w+ ){{0,3}}?(?:{_STATE})\b(?! (?:work|mean|be|look|calculated|determined))"
    r"|\bwhere(?:['’]s| is) my (?:order|package|parcel|delivery|shipment|driver|flight|ride)\b"
    r"|^\W*has my (?:order|package|parcel|shipment|payment|refund|salary) (?:been|arrived|shipped|come|cleared)\b"
    r"|\bhow (?:much|many)(?: \w+){0,3} (?:do|did) i (?:have left|owe|spend|have in)\b"
    r"|\bwhat did i (?:order|buy|spend|say|ask|write)\b|\bwho am i\b",
    re.IGNORECASE,
)
_COMMANDS = (
    r"send|delete|remove|book|cancel|order|buy|sell|pay|transfer|move|schedule|reschedule|remind|call|text|email|post|"
    r"publish|submit|update|change|reset|lock|unlock|freeze|unfreeze|block|unblock|stop|activate|deactivate|close|open|"
    r"create|add|set|turn|start|run|execute|deploy|restart|play|pause|subscribe|unsubscribe|approve|reject|refund"
    r"|renew|"
    r"upgrade|downgrade|enable|disable|upload|download|reserve|withdraw|deposit|share|forward|assign|merge|invite|raise"
)
_ADDRESSED = (
    r"\b(?:my|our|this|that|these|those|him|her|them|me|it|all|everyone|[\$€£₹]\s?\d|\d[\d,.]*|to [A-Z]\w+"
    r"|for (?:me|us|\d|[A-Z]\w+)|"
    r"(?:a|an|the|another) (?:\w+ ){0,2}?(?:order|ticket|table|flight|room|hotel|appointment|meeting|reminder"
    r"|alarm|timer|email|"
    r"message|payment|invoice|taxi|ride|refund|account|card|event|deployment|server|user|file|issue|case))"
)
_ACTION = re.compile(
    rf"^\W*(?:(?:please|kindly|now|ok|okay|hey|hi|hello|and|then|just|go ahead and|immediately)\W+)*"
    rf"(?:(?:can|could|would|will) you (?:please )?|i(?:['’]d| would)? (?:want|need|like) you to )?(?:please )?"
    rf"(?:{_COMMANDS})\b(?! (?:rate|order|limit|sequence|chart|method|function|statement)\b).{{0,80}}?(?:{_ADDRESSED})",
    re.IGNORECASE,
)
_MAKES = re.compile(
    r"\b(?:create|add|set|open|run|start|change|update|order|post|share|call|move|text)\b", re.IGNORECASE
)
_WRITING = re.compile(
    r"\b(?:function|class|script|program|code|regex|query|poem|story|essay|list|table|plan|summary|letter|template|"
    r"example|name|title|slogan|recipe|outline|html|json|sql|python|java|javascript|css)s?\b",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"^\W*(?:hi|hello|hey|yo|good (?:morning|afternoon|evening|night)|thanks?(?: you)?(?: so much| a lot)?"
    r"|ok(?:ay)?|yes|no|yep|"
    r"nope|sure|cool|great|nice|bye|goodbye|see you|how are you(?: doing)?|what['’]?s up|sup|lol|haha|please"
    r"|continue|go on|"
    r"more|next|again|why|how|what|really|got it|never ?mind|sounds good|perfect|awesome)"
    r"(?: (?:there|everyone|all|today|again|you|buddy|friend|sir|please))*\W*$",
    re.IGNORECASE,
)
_REFERS_BACK = re.compile(
    r"^\W*(?:what about|how about|tell me more\W*$|explain (?:that|this|it) |the (?:first|second|third|last|other) one"
    r"|(?:can|could) you (?:repeat|rephrase|shorten|summari[sz]e (?:that|this|it))|do (?:it|that) again"
    r"|same (?:for|with)"
    r"|make it |rewrite (?:it|that|this)\b|translate (?:it|that|this)\b|in your (?:last|previous)|as you said"
    r"|you (?:said|mentioned))"
    r"|\b(?:the above|mentioned above|your (?:last|previous) (?:answer|message|reply))\b",
    re.IGNORECASE,
)
_RANDOM = re.compile(
    r"\b(?:(?:give|pick|choose|generate|tell|show|suggest)(?: \w+){0,2} (?:a |some )?random|roll (?:a|the"
    r"|two) dice|flip a coin|another (?:joke|example|story)|surprise me|generate (?:a )?uuid)\b",
    re.IGNORECASE,
)


ABOUT_NOW = "asks about now"

_LOOKED_AT = 2_000
_WORDS_ONLY = str.maketrans(
    dict.fromkeys(range(128), " ") | {ord(c): c for c in "abcdefghijklmnopqrstuvwxyz"} | {0x2019: " "}
)
_WORDS_OF_NOW = frozenset(
    [
        "today",
        "tonight",
        "now",
        "moment",
        "present",
        "yesterday",
        "tomorrow",
        "week",
        "weekend",
        "month",
        "nowadays",
        "breaking",
        "date",
        "time",
        "day",
        "live",
        "latest",
        "newest",
        "recent",
        "far",
        "current",
        "currently",
        "weather",
        "forecast",
        "temperature",
        "stock",
        "share",
        "bitcoin",
        "gold",
        "oil",
        "score",
    ]
)
"""Each expression above needs one of these."""


def refusal_reason(text: str) -> str | None:
    """Why the last user message must neither be answered from T2 nor put into it; None when it may."""
    plain = " ".join(text.split())
    if len(plain) < _LEAST_CHARACTERS:
        return "too short to be understood alone"
    if len(plain) > _MOST_CHARACTERS:
        return "too long to be compared as a question"
    return next((reason for reason, applies in _REASONS if applies(plain)), None)


def asks_about_now(text: str) -> bool:
    """Whether the answer holds only for the moment. Cheap for a text without any word that could say so: T1 asks this
    of every request. Of a long text only the end is looked at, where the question stands."""
    end = text[-_LOOKED_AT:]
    if _WORDS_OF_NOW.isdisjoint(end.lower().translate(_WORDS_ONLY).split()):
        return False
    plain = " ".join(end.split())
    return bool(_NOW.search(plain) or _CURRENT.search(plain))


def _is_command(plain: str) -> bool:
    """A command to do something in the world. `Create a table in SQL` asks for text, and text may be cached."""
    match = _ACTION.match(plain)
    if match is None:
        return False
    return not (_MAKES.search(match[0]) and _WRITING.search(plain))


_REASONS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("small talk", _SMALL_TALK.match),
    ("refers to what was said before", _REFERS_BACK.search),
    (ABOUT_NOW, asks_about_now),
    ("asks for somebody's state", _PERSONAL.search),
    ("asks for an action", _is_command),
    ("asks for a new answer each time", _RANDOM.search),
)
