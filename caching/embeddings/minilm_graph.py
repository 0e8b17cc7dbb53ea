"""The network of all-MiniLM-L6-v2 as an ONNX graph, written from its weights: a six-layer BERT encoder, mean pooling
over the tokens that are not padding, and a vector of length one.

Only the build uses this module; `onnx` is not loaded by a serving process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

LAYERS = 6
HEADS = 12
WIDTH = 384
MOST_TOKENS = 512
_EPSILON = 1e-12
_OPSET = 17
_IR_VERSION = 8

Weights = Mapping[str, NDArray[Any]]


def build_graph(weights: Weights) -> ModelProto:
    """A model from `input_ids` and `attention_mask` (int64, [batch, tokens]) to `embedding` (float32, [batch, 384])."""
    graph = _Graph(weights)
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    hidden = _embed_tokens(graph)
    bias = _padding_bias(graph, mask)
    for layer in range(LAYERS):
        hidden = _encode(graph, hidden, bias, f"encoder.layer.{layer}.")
    graph.add("LpNormalization", _mean_of_tokens(graph, hidden, mask), output="embedding", axis=-1, p=2)
    return graph.finish()


class _Graph:
    """Nodes and constants as they are added, each named by its number."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=f"n{len(self._nodes)}", **attributes))
        return output

    def constant(self, value: NDArray[Any]) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def weight(self, name: str) -> str:
        return self.constant(self._weights[name].astype(np.float32))

    def linear(self, source: str, *layers: str) -> str:
        """One product with the weights of all `layers` side by side."""
        weight = np.concatenate([self._weights[f"{layer}.weight"] for layer in layers])
        bias = np.concatenate([self._weights[f"{layer}.bias"] for layer in layers])
        return self.add("Add", self.add("MatMul", source, self.constant(weight.T)), self.constant(bias))

    def normalized(self, source: str, name: str) -> str:
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", source, scale, bias, axis=-1, epsilon=_EPSILON)

    def shape(self, *sizes: int) -> str:
        return self.constant(np.array(sizes, dtype=np.int64))

    def finish(self) -> ModelProto:
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ]
        output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH])
        graph = helper.make_graph(self._nodes, "minilm", inputs, [output], list(self._constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        checker.check_model(model)
        return model


def _embed_tokens(graph: _Graph) -> str:
    words = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    length = graph.add("Shape", "input_ids", start=1, end=2)
    positions = graph.add(
        "Slice", graph.weight("embeddings.position_embeddings.weight"), graph.shape(0), length, graph.shape(0)
    )
    kind = graph.add("Gather", graph.weight("embeddings.token_type_embeddings.weight"), graph.shape(0))
    summed = graph.add("Add", graph.add("Add", words, positions), kind)
    return graph.normalized(summed, "embeddings.LayerNorm")


def _padding_bias(graph: _Graph, mask: str) -> str:
    """What is added to attention scores: nothing for a token, so much for padding that it gets no attention."""
    masked = graph.add("Sub", graph.constant(np.float32(1.0).reshape(1)), mask)
    scaled = graph.add("Mul", masked, graph.constant(np.float32(-10_000.0).reshape(1)))
    return graph.add("Unsqueeze", scaled, graph.shape(1, 2))


def _encode(graph: _Graph, hidden: str, bias: str, layer: str) -> str:
    attended = graph.linear(_attend(graph, hidden, bias, layer), f"{layer}attention.output.dense")
    hidden = graph.normalized(graph.add("Add", attended, hidden), f"{layer}attention.output.LayerNorm")
    inner = _gelu(graph, graph.linear(hidden, f"{layer}intermediate.dense"))
    return graph.normalized(
        graph.add("Add", graph.linear(inner, f"{layer}output.dense"), hidden), f"{layer}output.LayerNorm"
    )


def _attend(graph: _Graph, hidden: str, bias: str, layer: str) -> str:
    names = [f"{layer}attention.self.{part}" for part in ("query", "key", "value")]
    joined = graph.add("Reshape", graph.linear(hidden, *names), graph.shape(0, 0, 3, HEADS, WIDTH // HEADS))
    query, key, value = (
        graph.add("Gather", joined, graph.constant(np.array(part, dtype=np.int64)), axis=2) for part in range(3)
    )
    query = graph.add("Transpose", query, perm=[0, 2, 1, 3])
    key = graph.add("Transpose", key, perm=[0, 2, 3, 1])
    value = graph.add("Transpose", value, perm=[0, 2, 1, 3])
    scale = graph.constant(np.float32((WIDTH // HEADS) ** -0.5).reshape(1))
    scores = graph.add("Add", graph.add("Mul", graph.add("MatMul", query, key), scale), bias)
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
    return graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), graph.shape(0, 0, WIDTH))


def _gelu(graph: _Graph, source: str) -> str:
    erf = graph.add("Erf", graph.add("Div", source, graph.constant(np.float32(2**0.5).reshape(1))))
    doubled = graph.add("Mul", source, graph.add("Add", erf, graph.constant(np.float32(1.0).reshape(1))))
    return graph.add("Mul", doubled, graph.constant(np.float32(0.5).reshape(1)))


def _mean_of_tokens(graph: _Graph, hidden: str, mask: str) -> str:
    """The sum would do, since the result is normalised; the mean keeps numbers small."""
    weights = graph.add("Unsqueeze", mask, graph.shape(2))
    total = graph.add("ReduceSum", graph.add("Mul", hidden, weights), graph.shape(1), keepdims=0)
    return graph.add("Div", total, graph.add("ReduceSum", mask, graph.shape(1), keepdims=1))
