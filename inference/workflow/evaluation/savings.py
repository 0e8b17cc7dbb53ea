"""What marking documents for the provider's cache saves, by the stage, the request as it goes up, the accounting of the
provider's cache as the simulator does it, and the bill."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from caching.workflow.prefixes import Sighting, sighting_of
from inference.bills import make_bill
from inference.crossing import Crossing, crossing_for
from inference.domain import Model, Order, Plan, RoutingMode, Usage
from inference.endings import Ending
from inference.pricing import PriceBook
from inference.simulator.anthropic import wire
from inference.simulator.anthropic.asking import prompt_of
from inference.simulator.anthropic.models import smallest_prefix
from inference.simulator.prefixes import MarkedCache
from inference.workflow.evaluation.meetings import Meeting
from inference.workflow.evaluation.orders import order_about
from inference.workflow.stage import WorkflowCache

_ORG = "evaluation"


class MemoryPrefixes:
    """What `caching/lua/sight.lua` does, in this process and without forgetting."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, tuple[int, bool]] = OrderedDict()
        self._odds = {(named, again): [0, 0] for named in (True, False) for again in (False, True)}

    async def sight(self, org_id: str, digests: Sequence[bytes], *, named: bool) -> Sighting:
        """See `caching.workflow.prefixes.Prefixes`; of one organization."""
        del org_id
        last = len(digests) - 1
        known = next((place for place in range(last, -1, -1) if digests[place] in self._seen), None)
        before, was_named = (0, named) if known is None else self._seen[digests[known]]
        if known is not None:
            self._odds[was_named, before > 1][1] += 1
            self._seen[digests[known]] = (before + 1, was_named)
        if known != last:
            self._seen[digests[last]] = (1 if known is None else 2, named)
            if known is None:
                self._seen.setdefault(digests[0], (1, named))
        self._odds[was_named if known == last else named, known is not None][0] += 1
        kinds = ((True, False), (True, True), (False, False), (False, True))
        odds = [count for kind in kinds for count in self._odds[kind]]
        return sighting_of([0 if known is None else known + 1, before, *odds], named=named, last=last)


@dataclass(frozen=True, slots=True)
class InputCost:
    """Nano-USD for the input of all requests: without marks, and with those that T3 placed."""

    plain: int
    marked: int
    requests: int

    @property
    def saved(self) -> float:
        return 1 - self.marked / self.plain if self.plain else 0.0


async def input_cost(meetings: Sequence[Meeting], model: Model, prices: PriceBook, *, named: bool) -> InputCost:
    """Every question of every meeting, one meeting after the other; each within the provider's patience."""
    stage, cache = WorkflowCache(MemoryPrefixes(), prices), MarkedCache()
    plain = marked = requests = 0
    for meeting in meetings:
        for asked in meeting.asked:
            order = order_about(meeting.text, asked.question, model, org_id=_ORG, named=named)
            looked = await stage.look_up(order)
            usage = _used(looked.order, model, cache)
            ending = Ending.of_call(Plan(model, RoutingMode.EXPLICIT, "named"), model, usage, simulated=True)
            cost = make_bill(prices, looked.order, ending).cost
            plain, marked, requests = plain + cost.original_nano, marked + cost.cost_nano, requests + 1
    return InputCost(plain, marked, requests)


def _used(order: Order, model: Model, cache: MarkedCache) -> Usage:
    """The input alone: what is answered costs the same either way."""
    crossing = crossing_for(order.call, model, order.marks)
    assert isinstance(crossing, Crossing), crossing
    prompt = prompt_of(msgspec.json.decode(crossing.request, type=wire.MessagesRequest))
    total = sum(segment.tokens for segment in prompt.segments)
    use = cache.use(model.id, prompt.segments, smallest=smallest_prefix(model.upstream_id))
    return Usage(total, 0, use.read, use.written)
