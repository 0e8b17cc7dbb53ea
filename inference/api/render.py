"""A reply → HTTP. What went wrong is raised as `Refused`, and mapped to HTTP in one place (`asahi_site.errors`)."""

from __future__ import annotations

from django.http.response import HttpResponseBase

from inference.domain import Answer, Cost, Refusal, Reply, Report, Stream

JSON = (b"content-type", b"application/json")
_EVENT_STREAM = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
_NANO = 10**9
RawHeaders = list[tuple[bytes, bytes]]


class Refused(Exception):  # noqa: N818 - carries a refusal out of a view
    """A refusal on its way to the one place that turns it into HTTP."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class WireResponse(HttpResponseBase):
    """Bytes and raw headers as the lean handler sends them, without Django's own response machinery.

    Exactly one of `body` and `stream` is given.
    """

    streaming = False

    def __init__(self, status: int, raw_headers: RawHeaders, body: bytes = b"", stream: Stream | None = None) -> None:
        self.status_code = status
        self.raw_headers = raw_headers
        self.body = body
        self.stream = stream


def render(reply: Reply) -> WireResponse:
    """An answer as its wire's clients expect it. Raises Refused."""
    if isinstance(reply, Refusal):
        raise Refused(reply)
    headers = report_headers(reply.report)
    if isinstance(reply, Answer):
        headers.append(JSON)
        return WireResponse(200, headers, reply.body)
    return stream_response(reply.stream, headers)


def stream_response(stream: Stream, headers: RawHeaders) -> WireResponse:
    """Server-sent events."""
    headers.extend(_EVENT_STREAM)
    return WireResponse(200, headers, stream=stream)


def report_headers(report: Report) -> RawHeaders:
    """The `x-asahi-*` headers of SPEC: who answered, from where, for how much, and why."""
    headers: RawHeaders = [
        *request_id_headers(report.request_id),
        (b"x-asahi-model", header_text(report.model)),
        (b"x-asahi-cache", report.tier.value.encode()),
        (b"x-asahi-routing-reason", header_text(report.routing_reason)),
    ]
    if report.cost is not None:
        headers += [
            (b"x-asahi-cost", usd_text(report.cost.cost_nano)),
            (b"x-asahi-cost-original", usd_text(report.cost.original_nano)),
            (b"x-asahi-savings-percent", percent_text(report.cost)),
        ]
    if report.simulated:
        headers.append((b"x-asahi-simulated", b"true"))
    return headers


def request_id_headers(request_id: str) -> RawHeaders:
    """The request's id by our own name, and by those under which OpenAI's and Anthropic's clients look for it."""
    value = request_id.encode()
    return [(b"x-asahi-request-id", value), (b"x-request-id", value), (b"request-id", value)]


def header_text(text: str) -> bytes:
    """Text as a header may carry it: printable ASCII, so that no value can start a header of its own."""
    if text.isascii() and text.isprintable():
        return text.encode()
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text.replace("≥", ">=")).encode()


def usd_text(nano: int) -> bytes:
    """An amount of nano-USD as exact USD: `0.000123450`."""
    sign = b"-" if nano < 0 else b""
    whole, rest = divmod(abs(nano), _NANO)
    return b"%s%d.%09d" % (sign, whole, rest)


def percent_text(cost: Cost) -> bytes:
    """Savings as a percentage of the original cost, with two decimals, rounded half away from zero."""
    if cost.original_nano <= 0:
        return b"0.00"
    doubled = 2 * abs(cost.savings_nano) * 10_000 + cost.original_nano
    hundredths = doubled // (2 * cost.original_nano)
    sign = b"-" if cost.savings_nano < 0 and hundredths else b""
    return b"%s%d.%02d" % (sign, *divmod(hundredths, 100))


def usd(nano: int) -> float:
    """An amount as JSON shows it."""
    return nano / _NANO
