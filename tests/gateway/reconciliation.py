"""The ledger beside what the simulator counted, request by request.

Where the provider stated its usage, both must be equal: each kind of token, and the nano-dollars, which are priced here
a second time, straight from the price table. Where it could not, because somebody hung up first, the ledger holds our
own count of what reached us, and the difference to what the provider worked is told by its kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from genai_prices import Usage, calc_price

from analytics.models import LedgerEntry
from inference import catalog
from inference.tokens import count_tokens
from tests.gateway.mixed_load import Sent, text_seen

STATED, CACHED, NO_ANSWER = "stated by the provider", "answered by a cache", "no answer, nothing charged"
TRIED = "tried in vain, not charged"
BROKEN, LEFT, UNSTATED = "broken by the provider", "left by the client", "usage missing or untrue"
_TOLD = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_UNREADABLE = ("garbage_event", "wrong_shape")
_MOST_IN_AN_EVENT = 3
_TOLD_AT_ONCE = ("cached_input_tokens", "cache_write_tokens")
"""Claude's streams begin with them; the others end with them, so that nobody who left knows of the discount."""
Call = dict[str, Any]


@dataclass
class Sums:
    """Of one kind of request: ours, and what the provider worked."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    nano: int = 0
    worked: int = 0
    worked_input: int = 0
    worked_output: int = 0
    worked_nano: int = 0

    def row(self, kind: str) -> str:
        tokens = (self.requests, self.worked, self.input_tokens, self.worked_input, self.output_tokens)
        money = f"{self.nano / 10**9:12.9f} {self.worked_nano / 10**9:12.9f}"
        return f"{kind:28} {' '.join(f'{count:9}' for count in (*tokens, self.worked_output))} {money}"


@dataclass
class Reconciled:
    sums: dict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    problems: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        names = ("rows", "calls", "in", "worked", "out", "worked", "   USD", "      worked")
        head = f"{'':28} {' '.join(f'{name:>9}' for name in names)}"
        rows = [sums.row(kind) for kind, sums in sorted(self.sums.items())]
        rows.append(_total(self.sums.values()).row("all"))
        return "\n".join([head, *rows, f"outcomes {dict(self.outcomes)}", f"faults {dict(self.faults)}"])


def _total(sums: Iterable[Sums]) -> Sums:
    total = Sums()
    for one in sums:
        for name in Sums.__dataclass_fields__:
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return total


def reconcile(entries: Sequence[LedgerEntry], calls: Iterable[Call], sent: Iterable[Sent]) -> Reconciled:
    """Compares everything with everything: no row without its call, no call without its row."""
    result = Reconciled()
    worked: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        worked[call["metadata"]].append(call)
        result.faults[call["fault"]] += 1
    seen = {tag_of(one): one for one in sent}
    rows = Counter(entry.request_id for entry in entries)
    result.problems += [f"{request_id} has {count} rows" for request_id, count in rows.items() if count > 1]
    for entry in entries:
        of_entry = worked.pop(f"req_{entry.request_id.hex}", [])
        result.outcomes[entry.outcome] += 1
        one = seen.get(next((tag for tag in entry.tags if tag.startswith("call-")), ""))
        kind = kind_of(entry)
        _add_ledger(result.sums[kind], entry)
        answering, tried = _parted(entry, of_entry)
        _add_worked(result.sums[kind], [answering] if answering else [])
        _add_worked(result.sums[TRIED], tried)
        about = f"{entry.request_id.hex} ({one.call.kind if one else '?'}, {kind}, {_faults_of(of_entry)})"
        result.problems += [f"{about}: {problem}" for problem in _problems(kind, entry, answering, one)]
        twice = [call for call in tried if call["output_tokens"] and call["fault"] not in _UNREADABLE]
        result.problems += [f"{about}: was answered twice" for call in twice]
    result.problems += [f"{request_id} was worked on and is not in the ledger" for request_id in worked]
    return result


def tag_of(sent: Sent) -> str:
    return sent.call.tag


def kind_of(entry: LedgerEntry) -> str:
    if entry.tier:
        return CACHED
    if not entry.usage_estimated:
        return STATED if entry.outcome == "ok" else NO_ANSWER
    return {"ok": UNSTATED, "client_disconnect": LEFT}.get(entry.outcome, BROKEN)


def _add_ledger(sums: Sums, entry: LedgerEntry) -> None:
    sums.requests += 1
    sums.input_tokens += 0 if entry.tier else entry.input_tokens
    sums.output_tokens += 0 if entry.tier else entry.output_tokens
    sums.nano += entry.cost_nano


def _add_worked(sums: Sums, calls: Iterable[Call]) -> None:
    for call in calls:
        sums.worked += 1
        sums.worked_input += call["worked_input_tokens"]
        sums.worked_output += call["worked_output_tokens"]
        sums.worked_nano += _nano(call["provider"], call["model"], _worked(call))


def _worked(call: Call) -> dict[str, int]:
    return {**call, "input_tokens": call["worked_input_tokens"], "output_tokens": call["worked_output_tokens"]}


def _nano(provider: str, model: str, used: Mapping[str, int]) -> int:
    """Nano-USD by the price table itself, without the gateway's price book."""
    if not (used["input_tokens"] or used["output_tokens"]):
        return 0
    usage = Usage(
        input_tokens=used["input_tokens"],
        cache_read_tokens=used["cached_input_tokens"],
        cache_write_tokens=used["cache_write_tokens"],
        output_tokens=used["output_tokens"],
    )
    price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=datetime.now(UTC)).total_price
    return int((price * 10**9).quantize(Decimal(1), ROUND_HALF_UP))


def _problems(kind: str, entry: LedgerEntry, answering: Call | None, sent: Sent | None) -> Iterable[str]:
    ours = {name: getattr(entry, name) for name in _TOLD}
    if kind == CACHED:
        if answering or entry.cost_nano:
            yield f"{entry.cost_nano} nano-USD and a call, although a cache answered"
        return
    expected = _nano(entry.provider, _upstream_name(entry), ours)
    if entry.cost_nano != expected or expected < 0:
        yield f"costs {entry.cost_nano} nano-USD, and its tokens {expected}"
    if kind == NO_ANSWER:
        if any(ours.values()):
            yield f"charged {ours} for no answer"
    elif answering is None:
        yield "was never worked on"
    elif kind == STATED:
        told = {name: answering[name] for name in _TOLD}
        if ours != told:
            yield f"ledger {ours}, provider {told}"
    else:
        yield from _estimate_problems(kind, entry, answering, sent)


def _upstream_name(entry: LedgerEntry) -> str:
    model = catalog.registry().find(entry.model)
    assert model is not None
    return model.upstream_id


def _parted(entry: LedgerEntry, calls: Sequence[Call]) -> tuple[Call | None, list[Call]]:
    """The call that the row is about, and those tried in vain, which may be noted later: a hang lasts."""
    of_model = [call for call in calls if call["model"] == _upstream_name(entry)]
    answering = of_model[-1] if of_model else None
    return answering, [call for call in calls if call is not answering]


def _estimate_problems(kind: str, entry: LedgerEntry, call: Call, sent: Sent | None) -> Iterable[str]:
    """Reasoning that is not shown cannot be counted, nor what stands in an event that is not valid. How a provider lays
    out tools is its own affair."""
    least, readable = _bounds(kind, call, sent)
    said = f"{entry.input_tokens}+{entry.output_tokens}, worked {call['worked_input_tokens']}+{readable}, seen {least}"
    if not least <= entry.output_tokens <= readable:
        yield f"estimate {said}"
    elif kind == LEFT and call["fault"] == "hang":
        return  # nobody but the provider knows that it had not begun
    elif sent and "tools" not in sent.call.body and entry.input_tokens != call["worked_input_tokens"]:
        yield f"estimated prompt {said}"
    elif call["provider"] == "anthropic" and call["fault"] != "bad_usage":
        ours = {name: getattr(entry, name) for name in _TOLD_AT_ONCE}
        if ours != {name: call[name] for name in _TOLD_AT_ONCE}:
            yield f"cached {ours}, provider {call}"


def _bounds(kind: str, call: Call, sent: Sent | None) -> tuple[int, int]:
    """The least and the most output tokens that could be counted."""
    readable = call["worked_output_tokens"] - call["reasoning_tokens"]
    least = readable
    if call["provider"] == "anthropic" and call["stream"]:
        readable = max(readable, 1)  # their first event states one token before the first is written
    if kind == LEFT:
        least = count_tokens(text_seen(sent.body)) if sent else 0
    elif call["fault"] in _UNREADABLE:
        least = readable - _MOST_IN_AN_EVENT if call["stream"] else 0
        if kind == BROKEN and sent:  # a translated stream ends at what is not valid; what came until then is charged
            least = min(least, count_tokens(text_seen(sent.body)))
    if sent and "n" in sent.call.body:
        least -= 1  # several answers are counted as one text, and a token may span the seam
    return least, readable


def _faults_of(calls: Sequence[Call]) -> str:
    return ",".join(call["fault"] for call in calls)
