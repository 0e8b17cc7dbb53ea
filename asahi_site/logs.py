"""Structured JSON logs, one object a line, written by a thread of their own so that no request waits for a disk.

A line holds the time, level, logger, event name and the fields given as `extra`. No prompt, no key, no personal data:
what we log is named field by field where it is logged, and of an object that a framework adds only its type is said. A
request, written out, would bring its query string along.
"""

from __future__ import annotations

import atexit
import logging
import queue
import sys
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import Any

import msgspec

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_MOST_QUEUED = 100_000
_QUIET = ("httpx", "httpx2", "httpcore", "asyncio", "urllib3", "stripe")


class JsonFormatter(logging.Formatter):
    """A log record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=_type_name).decode()


def _type_name(value: object) -> str:
    return type(value).__name__


class _Hand(QueueHandler):
    """Hands records over as they are; a full queue drops the line rather than hold up a request."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            return


def configure(settings: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG. `settings` is {"level": ...}."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _Hand):
            return
    out = logging.StreamHandler(sys.stdout)
    out.setFormatter(JsonFormatter())
    lines: queue.Queue[logging.LogRecord] = queue.Queue(_MOST_QUEUED)
    listener = QueueListener(lines, out)
    listener.start()
    atexit.register(listener.stop)
    root.addHandler(_Hand(lines))
    root.setLevel(settings["level"])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
