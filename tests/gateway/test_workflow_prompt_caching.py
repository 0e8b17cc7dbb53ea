"""T3 through the gateway: what long prompts begin with is marked for the provider's cache, and the receipt shows it."""

from __future__ import annotations

from typing import Any

import httpx

from tests.gateway.conftest import Served, Simulator, Tenant

DOCUMENT = "".join(f"{n}. The committee heard report number {n} and took note of it.\n" for n in range(200))
SONNET, LUNA = "claude-sonnet-5-5", "gpt-6-luna"


def ask(gateway: Served, tenant: Tenant, question: str, *, document: str = DOCUMENT, **fields: Any) -> httpx.Response:
    headers = {**tenant.headers, **fields.pop("headers", {"x-asahi-document": "minutes"})}
    body = {
        "model": SONNET,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": f"{document}\n\nQuestion: {question}"}],
        **fields,
    }
    answer = gateway.http.post("/v1/messages", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_named_document_is_written_once_and_read_from_then_on(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    first = ask(gateway, tenant, "Who heard report number 7?").json()["usage"]
    second = ask(gateway, tenant, "What was done with the last report?").json()["usage"]
    assert first["cache_creation_input_tokens"] > 2_000
    assert second["cache_read_input_tokens"] == first["cache_creation_input_tokens"]
    wrote, read = tenant.ledger(2)
    assert wrote.original_cost_nano < wrote.cost_nano, "writing costs more, and the bill says so"
    assert read.cost_nano < read.original_cost_nano / 3
    parts = dict(read.receipt["bill"]["parts"])
    assert parts == {"provider_cache": read.original_cost_nano - read.cost_nano}
    assert read.receipt["evidence"]["t3"]["marked_for"] == [SONNET]
    assert read.receipt["evidence"]["t3"]["seen_before"] == 1


def test_an_unnamed_one_is_marked_when_it_comes_again(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    usages = [
        ask(gateway, tenant, question, headers={}).json()["usage"]
        for question in ("Who heard report number 7?", "What was done with the last report?", "Why was there a report?")
    ]
    assert [usage["cache_creation_input_tokens"] > 0 for usage in usages] == [False, True, False]
    assert usages[2]["cache_read_input_tokens"] == usages[1]["cache_creation_input_tokens"]


def test_a_changed_document_reads_nothing_of_the_old_one(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    ask(gateway, tenant, "Who heard report number 7?")
    other = ask(gateway, tenant, "Who heard report number 7?", document=DOCUMENT.replace("199.", "199!"))
    assert other.headers["x-asahi-cache"] == "miss"
    assert other.json()["usage"]["cache_read_input_tokens"] == 0


def test_openais_models_read_it_too_and_nothing_is_claimed_for_what_they_do_themselves(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    for question in ("Who heard report number 7?", "What was done with the last report?"):
        turns = [{"role": "system", "content": DOCUMENT}, {"role": "user", "content": question}]
        answer = gateway.chat(tenant, "", model=LUNA, messages=turns)
        assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"] > 2_000
    entry = tenant.ledger(2)[1]
    assert entry.cost_nano == entry.original_cost_nano


def test_a_short_prompt_is_passed_over(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    gateway.chat(tenant, "What is a report, in general terms?")
    assert "t3" not in tenant.ledger(1)[0].receipt["stages"]
