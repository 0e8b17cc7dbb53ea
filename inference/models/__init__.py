"""Inference's tables, one file per subject."""

from __future__ import annotations

from inference.models.batches import Batch, BatchItem, BatchResult, ProviderBatch
from inference.models.files import FileChunk, StoredFile

__all__ = ["Batch", "BatchItem", "BatchResult", "FileChunk", "ProviderBatch", "StoredFile"]
