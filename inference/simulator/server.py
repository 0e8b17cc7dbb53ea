"""Runs the simulator as a process of its own: one event loop, no access log, nothing on disk."""

from __future__ import annotations

import gc
import logging
import socket
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from inference.simulator import tokens
from inference.simulator.app import Simulator
from inference.simulator.batching import BatchPlan
from inference.simulator.faults import FaultPlan
from inference.simulator.recordings import read_recordings
from inference.simulator.registered import DEFAULT_FILE, read_catalogue
from inference.simulator.world import Fidelity, new_world

DEFAULT_PORT = 8090
_DRAIN_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Options:
    """The command line. Port 0 takes a free one, which the first printed line names."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    recordings: Path | None = None
    seed: int = 0
    fidelity: Fidelity = Fidelity.WIRE
    faults: FaultPlan = field(default_factory=FaultPlan)
    batches: BatchPlan = field(default_factory=BatchPlan)
    models: Path = DEFAULT_FILE


class _CutOnPurpose(logging.Filter):
    """The server complains of an answer left unfinished; a half stream is exactly that."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "returned without completing response" not in record.getMessage()


def run(options: Options) -> None:
    """Serve until a signal ends the process."""
    answers = read_recordings(options.recordings) if options.recordings else []
    world = new_world(
        seed=options.seed,
        faults=options.faults,
        fidelity=options.fidelity,
        catalogue=read_catalogue(options.models),
        answers=answers,
        batches=options.batches,
    )
    tokens.warm_up()
    listener = _listen(options.host, options.port)
    host, port = listener.getsockname()[:2]
    print(f"simulator: http://{host}:{port}", flush=True)  # noqa: T201 - who started it reads the port here
    logging.getLogger("uvicorn.error").addFilter(_CutOnPurpose())
    config = uvicorn.Config(
        Simulator(world),
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    # What is loaded now stays; collecting it again and again would show as latency of the gateway under test.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(4096)
    listener.setblocking(False)
    return listener
