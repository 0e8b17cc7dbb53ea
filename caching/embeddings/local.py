"""The local embedder: a contextual model (MiniLM) and a static one (wordllama), joined in one vector.

Both parts are of length one and scaled, so that the dot product of two vectors is the weighted mean of both cosines:
one column of vectors is all that a store needs. Nothing is loaded before the first text, and nothing is downloaded.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from tokenizers import Tokenizer

from caching.domain import EmbeddingError
from caching.embeddings.build import TOKENIZER, model_file
from caching.embeddings.weights import WeightsMissingError, find_file, map_tensors

CONTEXTUAL_SHARE = 0.8
_CONTEXTUAL, _STATIC = 384, 256
_STATIC_WEIGHTS = ("wordllama", "wordllama/weights/l2_supercat_256.safetensors")
_STATIC_TOKENIZER = ("wordllama", "wordllama/tokenizers/l2_supercat_tokenizer_config.json")
_MOST_TOKENS = 256
_MOST_CHARACTERS = 8_000


class LocalEmbedder:
    """Embeds in this process, one text at a time on one thread beside the event loop.

    Texts of one call are not padded into one run: the quantized network scales by the whole batch, so the same text
    would get another vector in other company, and padding costs more than it saves.
    """

    name = "local"
    version = f"minilm-l6-v2-int8+wordllama-256/{CONTEXTUAL_SHARE:g}"
    dimensions = _CONTEXTUAL + _STATIC

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._loading = threading.Lock()
        self._models: _Models | None = None

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `caching.domain.Embedder`."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, self.embed_now, tuple(texts))

    def embed_now(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same, in the calling thread: for commands."""
        models = self._load()
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = models.embed(text[:_MOST_CHARACTERS])
        return vectors

    def close(self) -> None:
        """Ends the thread."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> _Models:
        with self._loading:
            if self._models is None:
                try:
                    self._models = _Models()
                except (WeightsMissingError, OSError) as error:
                    raise EmbeddingError(f"the local embedding model is not available: {error}") from error
            return self._models


class _Models:
    """Both networks and their tokenizers, loaded."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(find_file(*TOKENIZER)))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MOST_TOKENS)
        self._session = InferenceSession(str(model_file()), _options(), providers=["CPUExecutionProvider"])
        self._static_tokenizer = Tokenizer.from_file(str(find_file(*_STATIC_TOKENIZER)))
        self._static_tokenizer.no_padding()
        self._static_tokenizer.enable_truncation(4 * _MOST_TOKENS)
        self._static = map_tensors(find_file(*_STATIC_WEIGHTS))["embedding.weight"]

    def embed(self, text: str) -> NDArray[np.float32]:
        contextual = self._embed_contextually(text) * np.float32(CONTEXTUAL_SHARE**0.5)
        static = self._embed_statically(text) * np.float32((1 - CONTEXTUAL_SHARE) ** 0.5)
        return np.concatenate([contextual, static])

    def _embed_contextually(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        embedding: Any = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
        return np.asarray(embedding[0], dtype=np.float32)

    def _embed_statically(self, text: str) -> NDArray[np.float32]:
        ids = self._static_tokenizer.encode(text, add_special_tokens=False).ids
        mean = self._static[ids].astype(np.float32).mean(axis=0) if ids else np.ones(_STATIC, dtype=np.float32)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)


def _options() -> SessionOptions:
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the memory of the longest text ever seen
    options.log_severity_level = 3
    return options
