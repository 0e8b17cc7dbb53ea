"""Turning a question into a vector: the local models, and what builds them at install time."""
