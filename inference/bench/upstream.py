"""A mock provider that costs next to nothing, so that what is measured is the gateway and not what stands behind it.

`python -m inference.bench.upstream` listens on a free port of loopback, prints it, and serves until it is terminated.
It answers any `POST …/chat/completions`. `GET /count` says how many it has answered, which proves a cache hit;
`GET /delay/50` makes every JSON answer from then on take 50 ms.
"""

from __future__ import annotations

import asyncio
import selectors
import signal
import sys
from typing import cast

import msgspec

from inference.bench import wire

_MAX_REQUEST_BYTES = 1024 * 1024
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


class _Ask(msgspec.Struct):
    stream: bool = False


_decode_ask = msgspec.json.Decoder(_Ask).decode


def _response(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Script:
    """What every connection answers, made once, and how many calls have been answered."""

    def __init__(self, *, pace_seconds: float = 0.010, chunks: int = wire.STREAM_CHUNKS) -> None:
        self.delay_seconds = 0.0
        self.pace_seconds = pace_seconds
        self.answer = _response(wire.answer_body())
        self.stream = [_http_chunk(event) for event in wire.stream_events(chunks)]
        self.stream[0] = _STREAM_HEAD + self.stream[0]
        self.stream[-1] += b"0\r\n\r\n"
        self.answered = 0

    def control(self, path: bytes) -> bytes:
        """Answer a `GET`: the count, or a new delay."""
        if path.startswith(b"/delay/"):
            self.delay_seconds = int(path[7:]) / 1000
        elif path != b"/count":
            return _response(b"{}", "404 Not Found")
        return _response(b"%d" % self.answered)


class Upstream(asyncio.Protocol):
    """One keep-alive connection. Requests come one after the other, each with a content-length."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._received = b""
        self._pending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if self._pending is not None:
            self._pending.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._received[:head_end]
        body_end = head_end + 4 + _content_length(head.lower())
        if body_end > _MAX_REQUEST_BYTES:
            self._transport.close()
        elif len(self._received) >= body_end:
            body, self._received = self._received[head_end + 4 : body_end], self._received[body_end:]
            method, path, _ = head.split(b" ", 2)
            self._answer(method, path, body)

    def _answer(self, method: bytes, path: bytes, body: bytes) -> None:
        script = self._script
        if method == b"POST" and path.endswith(b"/chat/completions"):
            script.answered += 1
            if _decode_ask(body).stream:
                self._send_chunk(0, self._loop.time())
            elif script.delay_seconds:
                self._pending = self._loop.call_later(script.delay_seconds, self._transport.write, script.answer)
            else:
                self._transport.write(script.answer)
        else:
            self._transport.write(script.control(path))

    def _send_chunk(self, index: int, started: float) -> None:
        """Send one chunk and schedule the next by the stream's own clock, so that lateness does not add up."""
        chunks = self._script.stream
        self._transport.write(chunks[index])
        if index + 1 < len(chunks):
            due = started + (index + 1) * self._script.pace_seconds
            self._pending = self._loop.call_at(due, self._send_chunk, index + 1, started)


def _content_length(head: bytes) -> int:
    start = head.find(b"\r\ncontent-length:")
    return int(head[start + 17 :].split(b"\r\n", 1)[0]) if start >= 0 else 0


def new_precise_loop() -> asyncio.AbstractEventLoop:
    """An event loop with exact timers: epoll's and libuv's wait whole milliseconds, which is as much as we measure."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def serve(script: Script) -> asyncio.Server:
    """Listen on a free port of loopback."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Upstream(script), "127.0.0.1", 0, backlog=1024)


async def _serve_until_terminated() -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    server = await serve(Script())
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stopped.wait()
    server.close()


def main() -> None:
    with asyncio.Runner(loop_factory=new_precise_loop) as runner:
        runner.run(_serve_until_terminated())


if __name__ == "__main__":
    main()
