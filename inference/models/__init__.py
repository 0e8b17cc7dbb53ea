"""Inference's tables, one file per subject."""

from __future__ import annotations

from inference.models.batches import Batch, BatchItem, BatchResult, ProviderBatch
from inference.models.files import FileChunk, StoredFile
from inference.models.idempotent_call import IdempotentCall
from inference.models.stored_response import StoredResponse

__all__ = [
    "Batch",
    "BatchItem",
    "BatchResult",
    "FileChunk",
    "IdempotentCall",
    "ProviderBatch",
    "StoredFile",
    "StoredResponse",
]
