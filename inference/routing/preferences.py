"""What words like `high` and `fast` mean, and how long an answer to each kind of task tends to be."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from inference.domain import LatencyPreference, QualityPreference

QUALITY_BARS: Mapping[QualityPreference, float] = MappingProxyType(
    {
        QualityPreference.LOW: 0.65,
        QualityPreference.MEDIUM: 0.80,
        QualityPreference.HIGH: 0.90,
        QualityPreference.MAX: 1.0,  # above every model's quality: the best one is taken
    }
)

LATENCY_LIMITS_MS: Mapping[LatencyPreference, int | None] = MappingProxyType(
    {
        LatencyPreference.SLOW: None,
        LatencyPreference.NORMAL: 8_000,
        LatencyPreference.FAST: 3_000,
        LatencyPreference.INSTANT: 1_500,
    }
)

# Orders of magnitude for comparing prices: a summary is short beside its input, code is long beside its request.
EXPECTED_OUTPUT_TOKENS: Mapping[str, int] = MappingProxyType(
    {
        "code": 600,
        "math": 300,
        "reasoning": 400,
        "extraction": 200,
        "classification": 20,
        "summarization": 250,
        "translation": 300,
        "creative": 700,
        "qa": 150,
        "chat": 200,
    }
)
