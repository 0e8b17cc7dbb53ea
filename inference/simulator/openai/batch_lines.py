"""The lines of a batch's input file, and what may be wrong with them before any is worked on."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from inference.simulator.world import World

Json = dict[str, Any]
_MOST_LINES = 50_000


class BatchLine(msgspec.Struct):
    custom_id: str
    method: str
    url: str
    body: Json

    @property
    def model(self) -> str:
        return str(self.body.get("model"))


_DECODER = msgspec.json.Decoder(BatchLine)


def read_lines(content: bytes) -> tuple[list[BatchLine], list[Json]]:
    """The lines, and an error for each that is none."""
    lines, errors = [], []
    for number, raw in enumerate(content.splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            lines.append(_DECODER.decode(raw))
        except msgspec.ValidationError as error:
            errors.append(_error("missing_required_parameter", str(error), line=number))
        except (msgspec.DecodeError, UnicodeDecodeError):
            errors.append(_error("invalid_json_line", "This line is not parseable as valid JSON.", line=number))
    return lines, errors


def problems_of(lines: list[BatchLine], *, world: World, provider: str, endpoint: str) -> list[Json]:
    """What keeps a batch from being started."""
    if not lines:
        return [_error("empty_file", "The input file has no requests.")]
    if len(lines) > _MOST_LINES:
        return [_error("too_many_tasks", f"The batch has more than {_MOST_LINES} requests.")]
    seen = Counter(line.custom_id for line in lines)
    model = lines[0].model
    errors = []
    for number, line in enumerate(lines, start=1):
        if line.method != "POST":
            errors.append(_error("invalid_method", "The method must be POST.", line=number, param="method"))
        if line.url != endpoint:
            message = f"The URL provided for this request does not match the batch endpoint '{endpoint}'."
            errors.append(_error("mismatched_url", message, line=number, param="url"))
        if seen[line.custom_id] > 1:
            message = f"The custom_id '{line.custom_id}' is used more than once."
            errors.append(_error("duplicate_custom_id", message, line=number, param="custom_id"))
        if line.model != model:
            message = "All requests of a batch must name the same model."
            errors.append(_error("mismatched_model", message, line=number, param="body.model"))
    catalogue = world.catalogue
    if not (catalogue.chats(provider, model) or catalogue.dimensions(provider, model)):
        message = f"The provided model '{model}' is not supported by the Batch API."
        errors.append(_error("model_not_found", message, line=1, param="body.model"))
    return errors


def _error(code: str, message: str, *, line: int | None = None, param: str | None = None) -> Json:
    return {"code": code, "message": message, "line": line, "param": param}
