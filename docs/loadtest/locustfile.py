"""Customers of a running Asahi, for Locust: most ask what was asked before, some ask anew, a few want a stream.

ASAHI_API_KEY=... locust -f locustfile.py --host http://127.0.0.1:8000
"""

import os
import random
import uuid

from locust import HttpUser, between, task

CHAT = "/v1/chat/completions"
MODEL = os.environ.get("ASAHI_MODEL", "asahi/auto")
POPULAR = [f"What are the opening hours of the museum on day {day} of the year?" for day in range(1, 51)]


def _popular_question() -> str:
    return random.choice(POPULAR)  # noqa: S311  # not a secret


class Customer(HttpUser):
    """One application that calls the gateway."""

    wait_time = between(0.1, 1.0)

    def on_start(self) -> None:
        self.client.headers["authorization"] = f"Bearer {os.environ['ASAHI_API_KEY']}"

    @task(6)
    def ask_what_others_asked(self) -> None:
        self._ask(_popular_question(), name="popular question")

    @task(3)
    def ask_something_new(self) -> None:
        self._ask(f"Summarise the story with the number {uuid.uuid4()}.", name="new question")

    @task(1)
    def ask_for_a_stream(self) -> None:
        self._ask(_popular_question(), name="stream", stream=True)

    def _ask(self, question: str, *, name: str, stream: bool = False) -> None:
        """Failures are told by what the gateway says; each tier is a line of its own in Locust's table."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": question}], "stream": stream}
        with self.client.post(CHAT, json=body, name=name, stream=stream, catch_response=True) as answer:
            tier = answer.headers.get("x-asahi-cache", "refused")
            answer.request_meta["name"] = f"{name} ({tier})"
            if answer.status_code == 429:
                answer.failure(f"429, retry after {answer.headers.get('retry-after')} s")
            elif stream and b"data: [DONE]" not in answer.content:
                answer.failure("the stream did not end")
