"""The lines of an input file, and what may be wrong with them before any is worked on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from inference.api.intake import Arrival, read_call
from inference.domain import Call, Refusal, RefusalKind, RoutingMode, Wire
from inference.files.contents import ContentReader

MOST_LINES = 50_000
MOST_MESSAGES = 100_000
"""What Anthropic's batches may have."""
LONGEST_LINE = 8 * 1024 * 1024
LONGEST_NAME = 512
_MOST_ERRORS = 100

WIRES: Mapping[str, Wire] = {
    "/v1/chat/completions": Wire.CHAT,
    "/v1/responses": Wire.RESPONSES,
    "/v1/embeddings": Wire.EMBEDDINGS,
    "/v1/messages": Wire.MESSAGES,
}
"""What the lines of a batch may ask for, by its endpoint."""

ENDPOINTS = ("/v1/responses", "/v1/chat/completions", "/v1/embeddings")
"""Those that OpenAI's batches may name."""

_UNSUITED = ("stream", "background")
"""What needs somebody who waits."""


class BatchLine(msgspec.Struct):
    """One line as its caller wrote it."""

    custom_id: str
    method: str
    url: str
    body: msgspec.Raw


class _Model(msgspec.Struct):
    model: str | None = None


_decode = msgspec.json.Decoder(BatchLine).decode
_decode_model = msgspec.json.Decoder(_Model).decode
_decode_any = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file, or one of its lines, as the API reports it."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None

    def as_json(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message, "line": self.line, "param": self.param}


@dataclass(frozen=True, slots=True)
class Place:
    """A good line, and where it is."""

    line: int
    custom_id: str
    offset: int
    length: int
    model: str | None


@dataclass(slots=True)
class Survey:
    """What a walk through a file has found. Iterate over `places` to walk."""

    reader: ContentReader
    endpoint: str
    problems: list[Problem] = field(default_factory=list)
    count: int = 0
    models: set[str | None] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    def places(self) -> Iterator[Place]:
        """The good lines, until too much is wrong."""
        for number, (offset, length, raw) in enumerate(self.reader.lines(LONGEST_LINE), start=1):
            if not raw.strip():
                continue
            self.count += 1
            if self.count > self._most:
                self.problems.append(Problem("too_many_tasks", f"The file has more than {self._most} requests."))
                return
            found = self._judge(number, offset, length, raw)
            if isinstance(found, Place):
                if len(self.models) < 2:
                    self.models.add(found.model)
                yield found
                continue
            self.problems.append(found)
            if len(self.problems) >= _MOST_ERRORS:
                return
        if not self.count:
            self.problems.append(Problem("empty_file", "The file has no requests."))

    @property
    def _most(self) -> int:
        return MOST_MESSAGES if WIRES[self.endpoint] is Wire.MESSAGES else MOST_LINES

    def _judge(self, number: int, offset: int, length: int, raw: bytes) -> Place | Problem:
        if len(raw) > LONGEST_LINE:
            return Problem("line_too_long", f"A line may have {LONGEST_LINE} bytes.", number)
        try:
            line = _decode(raw)
            model = _decode_model(line.body).model
        except msgspec.ValidationError as error:
            return Problem("missing_required_parameter", f"This line does not fit: {error}.", number)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Problem("invalid_json_line", "This line is not parseable as valid JSON.", number)
        problem = self._problem_of(number, line)
        return problem or Place(number, line.custom_id, offset, length, model)

    def _problem_of(self, number: int, line: BatchLine) -> Problem | None:
        if not line.custom_id or len(line.custom_id) > LONGEST_NAME or "\x00" in line.custom_id:
            message = f"The custom_id must have 1 to {LONGEST_NAME} characters."
            return Problem("invalid_custom_id", message, number, "custom_id")
        if line.method != "POST":
            return Problem("invalid_method", "The method must be POST.", number, "method")
        if line.url != self.endpoint:
            message = f"The url must be that of the batch: {self.endpoint}."
            return Problem("mismatched_url", message, number, "url")
        if line.custom_id in self._seen:
            message = f"The custom_id '{line.custom_id[:100]}' is used more than once."
            return Problem("duplicate_custom_id", message, number, "custom_id")
        self._seen.add(line.custom_id)
        return None


def call_of(
    raw: bytes, *, endpoint: str, request_id: str, headers: Mapping[str, str], org_id: str, default_mode: RoutingMode,
    own_account: bool,
) -> Call | Refusal:  # fmt: skip
    """The call in a line, read as if it had come alone."""
    body = bytes(_decode(raw).body)
    wanted = _decode_any(body)
    for name in _UNSUITED:
        if isinstance(wanted, dict) and wanted.get(name):
            return Refusal(RefusalKind.INVALID, f"'{name}' is not supported in a batch", details={"param": name})
    arrival = Arrival(request_id, time.perf_counter(), body, headers)
    return read_call(arrival, WIRES[endpoint], default_mode, org_id, own_account=own_account)
