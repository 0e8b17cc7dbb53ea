"""Which of OpenAI's prompt caches a prompt meets: the automatic one, or from GPT-5.6 on the one with breakpoints."""

from __future__ import annotations

from dataclasses import replace

from inference.simulator.openai.asking import BREAKPOINT_SECONDS
from inference.simulator.prefixes import SMALLEST_PREFIX, CacheUse
from inference.simulator.prompts import Prompt
from inference.simulator.world import World


def cache_use(world: World, prompt: Prompt, *, key: str, total: int, marks: bool, only_marked: bool) -> CacheUse:
    """With breakpoints the end of the prompt is one too, unless the caller wants only its own."""
    owner = f"{prompt.provider}/{prompt.model}/{key}"
    if not marks:
        return world.automatic_cache.use(owner, prompt.segments, total=total)
    segments = list(prompt.segments)
    if not only_marked:
        segments[-1] = replace(segments[-1], cache_seconds=BREAKPOINT_SECONDS)
    return world.marked_cache.use(owner, segments, smallest=SMALLEST_PREFIX)
