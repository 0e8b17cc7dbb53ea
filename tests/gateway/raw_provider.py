"""A provider of which a test decides every byte, and when it leaves: for what no well-behaved server does."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from asahi_site import runtime


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    headers: dict[str, str]
    body: dict[str, Any]


Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]

ANSWER = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello there"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}  # fmt: skip


def event(data: Any) -> bytes:
    return b"data: %b\n\n" % (data if isinstance(data, bytes) else json.dumps(data).encode())


def chunk(text: str | None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": None if text else "stop"}
    return event(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]} | fields
    )


GOOD_STREAM = (chunk("hello"), chunk(" there"), chunk(None, usage=ANSWER["usage"]), event(b"[DONE]"))


def whole(answer: Any = ANSWER) -> Reply:
    """A 200 with this JSON body."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        body = json.dumps(answer).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body) + body)

    return reply


def stream(*events: bytes, gap: float = 0.01) -> Reply:
    """A 200 with these events, each in a piece of its own, `gap` seconds apart, the end of the body too."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for piece in events:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(gap)
        writer.write(b"0\r\n\r\n")

    return reply


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Closes the connection without a word."""
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Cuts the connection off."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass
class RawProvider:
    """`replies` answer the next requests in turn; the last one answers all that follow."""

    url: str = ""
    replies: list[Reply] = field(default_factory=lambda: [whole()])
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0

    def answers(self, *replies: Reply) -> None:
        self.replies = list(replies)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                self.seen.append(await _read_request(reader))
                await (self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])(writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Seen:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Seen(headers, json.loads(await reader.readexactly(int(headers["content-length"]))))


@contextmanager
def raw_provider() -> Iterator[RawProvider]:
    """Serves from a thread of its own."""
    provider, loop = RawProvider(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="raw provider")
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(provider.serve, "127.0.0.1", 0), loop).result(5)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/chat/completions"
    yield provider
    asyncio.run_coroutine_threadsafe(_stop(server), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    serving = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


@contextmanager
def in_place_of(*providers: str) -> Iterator[RawProvider]:
    """A raw provider to which the running gateway's calls to these providers go."""
    with raw_provider() as raw, calls_going_to(raw.url, *providers):
        yield raw


@contextmanager
def calls_going_to(url: str, *providers: str) -> Iterator[None]:
    """The running gateway calls this address in place of these providers'."""
    targets = runtime.current().targets._targets
    before = dict(targets)
    for name in providers:
        targets[name] = {wire: replace(target, url=url) for wire, target in targets[name].items()}
    try:
        yield
    finally:
        targets.update(before)
