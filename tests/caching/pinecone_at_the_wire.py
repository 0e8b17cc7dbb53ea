"""Pinecone as its HTTP API behaves, in this process, and strict about what it is sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY, INDEX, DIMENSIONS = "pc-key", "questions", 8


@dataclass
class FakePinecone:
    """One index. `trouble` is what befalls every call: "hang", "error", "garbage" or "odd"."""

    url: str = ""
    metric: str = "cosine"
    trouble: str = ""
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    namespaces: dict[str, dict[str, tuple[list[float], dict[str, str]]]] = field(default_factory=dict)

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.seen.append((path, body))
        match path:
            case "/vectors/upsert":
                assert set(body) == {"namespace", "vectors"}
                space = self.namespaces.setdefault(body["namespace"], {})
                for row in body["vectors"]:
                    assert set(row) == {"id", "values", "metadata"}
                    if len(row["values"]) != DIMENSIONS:
                        return 400, {"code": 3, "message": "Vector dimension does not match"}
                    space[row["id"]] = (row["values"], row["metadata"])
                return 200, {"upsertedCount": len(body["vectors"])}
            case "/query":
                return 200, self._nearest(body)
            case "/vectors/delete":
                assert set(body) == {"namespace", "ids"}
                assert 0 < len(body["ids"]) <= 1_000
                if body["namespace"] not in self.namespaces:
                    return 404, {"code": 5, "message": "Namespace not found"}
                for entry in body["ids"]:
                    self.namespaces[body["namespace"]].pop(entry, None)
                return 200, {}
        return 404, {"code": 5, "message": path}

    def _nearest(self, body: dict[str, Any]) -> dict[str, Any]:
        assert set(body) == {"namespace", "vector", "topK", "filter", "includeValues", "includeMetadata"}
        assert len(body["vector"]) == DIMENSIONS
        (wanted,) = body["filter"]["scope"].values()
        matches = [
            {"id": entry, "score": sum(a * b for a, b in zip(values, body["vector"], strict=True)), "values": []}
            for entry, (values, metadata) in self.namespaces.get(body["namespace"], {}).items()
            if metadata["scope"] == wanted
        ]
        matches.sort(key=lambda match: -float(str(match["score"])))
        return {"matches": matches[: body["topK"]], "namespace": body["namespace"], "usage": {"readUnits": 1}}


@contextmanager
def pinecone() -> Iterator[FakePinecone]:
    """Serves it until the block ends."""
    fake = FakePinecone()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host = fake.url if self.path == f"/indexes/{INDEX}" else ""
            self._reply(
                {"name": INDEX, "host": host, "dimension": DIMENSIONS, "metric": fake.metric}, 200 if host else 404
            )

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if fake.trouble == "hang":
                time.sleep(1.0)
            status, said = (503, {}) if fake.trouble == "error" else fake.answer(self.path, body)
            self._reply({"matches": [{"id": 7}]} if fake.trouble == "odd" else said, status)

        def _reply(self, said: Any, status: int) -> None:
            if self.headers["api-key"] != KEY or not self.headers["x-pinecone-api-version"]:
                said, status = {"code": 16}, 401
            data = b"<html>" if fake.trouble == "garbage" else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
