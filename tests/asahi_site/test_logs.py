"""Log lines: one JSON object each, with the fields that were named, and nothing that came along by itself."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from uuid import UUID

from django.test import RequestFactory
from django.utils.log import log_response

from asahi_site.logs import JsonFormatter


def _line(**extra: object) -> dict[str, object]:
    record = logging.getLogger("tests").makeRecord(
        "tests", logging.INFO, __file__, 1, "happened %s", ("here",), None, extra=extra
    )
    line: dict[str, object] = json.loads(JsonFormatter().format(record))
    return line


def test_a_line_holds_what_was_named() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    line = _line(count=3, ratio=0.5, at_day=at, key=UUID(int=7), several=["a", None], facts={"provider": "openai"})
    assert (line["level"], line["logger"], line["event"]) == ("info", "tests", "happened here")
    assert (line["count"], line["ratio"], line["several"]) == (3, 0.5, ["a", None])
    assert (line["at_day"], line["key"]) == ("2026-11-01T00:00:00Z", str(UUID(int=7)))
    assert line["facts"] == {"provider": "openai"}


def test_an_object_is_named_by_its_type_alone() -> None:
    class Secretive:
        def __repr__(self) -> str:
            return "asahi_live_secret"

    line = _line(thing=Secretive(), things=[Secretive()])
    assert (line["thing"], line["things"]) == ("Secretive", ["Secretive"])


def test_a_failed_request_is_logged_without_its_query_string() -> None:
    lines: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    handler, logger = Collect(), logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        request = RequestFactory().get("/reset", {"token": "the-secret-token", "email": "alice@acme.example"})
        log_response("Not Found: %s", request.path, response=_NotFound(), request=request)
    finally:
        logger.removeHandler(handler)
    (line,) = lines
    assert json.loads(line)["event"] == "Not Found: /reset"
    assert json.loads(line)["status_code"] == 404
    assert "secret" not in line
    assert "alice" not in line


class _NotFound:
    status_code = 404
