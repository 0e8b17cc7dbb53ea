"""The hand of a test or a bench on the simulator: recordings, faults, and what was called. Loopback only."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import msgspec

from inference.simulator.batching import BatchPlan
from inference.simulator.exchange import Request
from inference.simulator.faults import FaultPlan
from inference.simulator.ledger import ServedCall, Totals
from inference.simulator.recordings import RecordedAnswer
from inference.simulator.world import Fidelity, World

PREFIX = "/_control"


class AnswersBody(msgspec.Struct, forbid_unknown_fields=True):
    answers: list[RecordedAnswer]


class FidelityBody(msgspec.Struct, forbid_unknown_fields=True):
    fidelity: Fidelity


@dataclass(frozen=True, slots=True)
class ControlAnswer:
    status: int
    body: bytes


_ANSWERS = msgspec.json.Decoder(AnswersBody)
_FAULTS = msgspec.json.Decoder(FaultPlan)
_BATCHES = msgspec.json.Decoder(BatchPlan)
_FIDELITY = msgspec.json.Decoder(FidelityBody)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def handle(world: World, request: Request) -> ControlAnswer:
    """One control call. A body that does not fit is refused with the reason."""
    action = _ACTIONS.get((request.method, request.path.removeprefix(PREFIX)))
    if action is None:
        return ControlAnswer(404, msgspec.json.encode({"error": f"no {request.method} {request.path}"}))
    try:
        return ControlAnswer(200, msgspec.json.encode(action(world, request)))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return ControlAnswer(400, msgspec.json.encode({"error": str(error)}))


def _add_recordings(world: World, request: Request) -> dict[str, int]:
    answers = _ANSWERS.decode(request.body).answers
    world.recordings.add(answers)
    return {"loaded": len(answers)}


def _clear_recordings(world: World, _request: Request) -> dict[str, int]:
    world.recordings.clear()
    return {"loaded": 0}


def _stats(world: World, _request: Request) -> Totals:
    world.ledger.totals.recordings = len(world.recordings)
    return world.ledger.totals


def _calls(world: World, request: Request) -> list[ServedCall]:
    since = parse_qs(request.query).get("since", ["0"])[0]
    if not since.isdecimal():
        raise msgspec.ValidationError("`since` must be a number")
    return world.ledger.since(int(since))


def _set_faults(world: World, request: Request) -> FaultPlan:
    world.faults.set(_FAULTS.decode(request.body or b"{}"))
    return world.faults.plan


def _set_batches(world: World, request: Request) -> BatchPlan:
    world.batches = _BATCHES.decode(request.body or b"{}")
    return world.batches


def _set_fidelity(world: World, request: Request) -> FidelityBody:
    body = _FIDELITY.decode(request.body)
    world.fidelity = body.fidelity
    return body


def _reset(world: World, _request: Request) -> dict[str, str]:
    world.reset()
    return {"status": "reset"}


_ACTIONS: dict[tuple[str, str], Callable[[World, Request], Any]] = {
    ("POST", "/recordings"): _add_recordings,
    ("DELETE", "/recordings"): _clear_recordings,
    ("GET", "/stats"): _stats,
    ("GET", "/calls"): _calls,
    ("GET", "/faults"): lambda world, _request: world.faults.plan,
    ("POST", "/faults"): _set_faults,
    ("GET", "/batches"): lambda world, _request: world.batches,
    ("POST", "/batches"): _set_batches,
    ("POST", "/fidelity"): _set_fidelity,
    ("POST", "/reset"): _reset,
}
