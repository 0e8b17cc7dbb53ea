"""Batches: many calls in one file, worked off by a worker, at the provider's batch price where it has one."""
