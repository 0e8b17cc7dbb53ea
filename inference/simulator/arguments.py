"""The command line of the simulator, the same with and without Django."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from inference.simulator.batching import BatchPlan
from inference.simulator.faults import FaultPlan
from inference.simulator.registered import DEFAULT_FILE
from inference.simulator.server import DEFAULT_PORT, Options
from inference.simulator.world import Fidelity


def add_arguments(parser: argparse.ArgumentParser, *, default_port: int = DEFAULT_PORT) -> None:
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=default_port, help="0 takes a free port and prints it")
    parser.add_argument("--recordings", type=Path, help='JSON lines of {"model", "prompt", "text"}')
    parser.add_argument("--models", type=Path, default=DEFAULT_FILE, help="the registry whose models are served too")
    parser.add_argument("--latency-ms", type=float, default=0, help="before any answer")
    parser.add_argument("--first-byte-ms", type=float, default=0, help="in addition, before a stream")
    parser.add_argument("--chunk-ms", type=float, default=0, help="between two chunks of a stream")
    parser.add_argument("--batch-seconds", type=float, default=0.5, help="until a batch is done")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--fidelity",
        type=Fidelity,
        choices=list(Fidelity),
        default=Fidelity.WIRE,
        help="'model' also refuses what the named model does not support",
    )


def options_from(parsed: dict[str, Any]) -> Options:
    return Options(
        host=parsed["host"],
        port=parsed["port"],
        recordings=parsed["recordings"],
        seed=parsed["seed"],
        fidelity=parsed["fidelity"],
        models=parsed["models"],
        batches=BatchPlan(seconds=parsed["batch_seconds"]),
        faults=FaultPlan(
            latency_ms=parsed["latency_ms"], first_byte_ms=parsed["first_byte_ms"], chunk_ms=parsed["chunk_ms"]
        ),
    )


def port_of(url: str) -> int:
    """The port in the URL that the gateway will call, so that both agree without being told twice."""
    return urlsplit(url).port or DEFAULT_PORT
