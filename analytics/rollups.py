"""The rollups, fed by the same statement that writes the ledger: a row is either in both or in neither.

`FOLD` is the tail of a WITH query whose CTE `inserted` holds the ledger rows that were really written. Every figure is
a sum over those rows, a correction's deltas included, so that for any bucket rollup = sum of the ledger, exactly.
"""

from __future__ import annotations

from uuid import UUID

NO_KEY = UUID(int=0)
"""Stands for a request made in a browser session, which has no API key."""

DIMENSIONS = ("org_id", "grain", "bucket_at", "model", "key_id", "tag", "tier", "provider", "task", "routing_mode")
SUMS = {
    "requests": "count(*) FILTER (WHERE kind <> 'correction')",
    "errors": "count(*) FILTER (WHERE outcome = 'provider_error')",
    "input_tokens": "sum(input_tokens)",
    "cached_input_tokens": "sum(cached_input_tokens)",
    "output_tokens": "sum(output_tokens)",
    "tokens_saved": "sum(tokens_saved)",
    "cost_nano": "sum(cost_nano)",
    "original_cost_nano": "sum(original_cost_nano)",
    "own_spend_nano": "sum(own_spend_nano)",
    "latency_ms_sum": "sum(latency_ms)",
    "quality_sum": "COALESCE(sum(quality), 0)",
    "quality_count": "count(quality)",
}

# Built from the constants above only. The ORDER BY makes every writer lock the buckets in one order.
FOLD = f"""
INSERT INTO analytics_usagerollup AS bucket ({", ".join(DIMENSIONS)}, {", ".join(SUMS)})
SELECT org_id, grain, date_trunc(unit, started_at, 'UTC'), model, COALESCE(key_id, '{NO_KEY}'), tag, tier, provider,
       task, routing_mode, {", ".join(SUMS.values())}
FROM inserted
CROSS JOIN (VALUES ('h', 'hour'), ('d', 'day')) AS span (grain, unit)
CROSS JOIN LATERAL unnest(array_prepend('', tags)) AS tag
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
ON CONFLICT ({", ".join(DIMENSIONS)}) DO UPDATE
SET {", ".join(f"{column} = bucket.{column} + EXCLUDED.{column}" for column in SUMS)}
"""  # noqa: S608  # nosec B608
