"""The local embedder: all-MiniLM-L6-v2 in int8, in this process. Nothing is loaded before the first text, and nothing
is ever downloaded.
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
from caching.embeddings.weights import WeightsMissingError, find_file

_MOST_TOKENS = 256
_MOST_CHARACTERS = 8_000


class LocalEmbedder:
    """Embeds in this process, one text at a time on one thread beside the event loop.

    Texts of one call are not padded into one run: the quantized network scales by the whole batch, so the same text
    would get another vector in other company, and padding costs more than it saves.
    """

    name = "local"
    version = "minilm-l6-v2-int8-1"
    dimensions = 384

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._loading = threading.Lock()
        self._model: _Model | None = None

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `caching.domain.Embedder`."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, self.embed_now, tuple(texts))

    def embed_now(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same, in the calling thread: for commands."""
        model = self._load()
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = model.embed(text[:_MOST_CHARACTERS])
        return vectors

    def close(self) -> None:
        """Ends the thread."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> _Model:
        with self._loading:
            if self._model is None:
                try:
                    self._model = _Model()
                except (WeightsMissingError, OSError) as error:
                    raise EmbeddingError(f"the local embedding model is not available: {error}") from error
            return self._model


class _Model:
    """The network and its tokenizer, loaded."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(find_file(*TOKENIZER)))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MOST_TOKENS)
        self._session = InferenceSession(str(model_file()), _options(), providers=["CPUExecutionProvider"])

    def embed(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        embedding: Any = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
        return np.asarray(embedding[0], dtype=np.float32)


def _options() -> SessionOptions:
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the memory of the longest text ever seen
    options.log_severity_level = 3
    return options
