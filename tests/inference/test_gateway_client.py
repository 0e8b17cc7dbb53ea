"""What the commands' gateway client reads: money exactly, answers, refusals, and where a gateway is."""

import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from inference.gateway_client import (
    Answered,
    Endpoint,
    GatewayClient,
    Refused,
    find_endpoint,
    nano_from_usd,
    open_session,
    usd_from_nano,
)
from tests.inference.replay_fakes import FakeGateway, endpoint_of, failure

HEADERS = {"x-asahi-cache": "on"}


@given(st.integers(-(10**18), 10**18))
def test_money_comes_back_as_it_was_written(nano: int) -> None:
    assert nano_from_usd(usd_from_nano(nano)) == nano


@pytest.mark.parametrize(
    ("text", "nano"), [("0", 0), ("0.000000001", 1), ("1.5", 1_500_000_000), ("12.30", 12_300_000_000), ("1E-9", 1)]
)
def test_an_amount_in_dollars_is_exact_in_nano_dollars(text: str, nano: int) -> None:
    assert nano_from_usd(text) == nano


@pytest.mark.parametrize("text", ["", "free", "0.0000000001", "NaN", "Infinity", "$1"])
def test_what_is_no_amount_or_too_fine_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an amount|is finer"):
        nano_from_usd(text)


@pytest.mark.parametrize(("nano", "text"), [(0, "0"), (1, "0.000000001"), (-2_500_000_000, "-2.5"), (10**9, "1")])
def test_an_amount_is_written_without_needless_zeros(nano: int, text: str) -> None:
    assert usd_from_nano(nano) == text


def test_a_gateway_is_found_in_the_demo_file_and_the_command_line_goes_first(tmp_path: Path) -> None:
    assert find_endpoint(var_dir=tmp_path, base_url=None, api_key=None) is None
    (tmp_path / "demo.json").write_text(json.dumps({"base_url": "http://demo/", "api_key": "k"}))
    assert find_endpoint(var_dir=tmp_path, base_url=None, api_key=None) == Endpoint("http://demo", "k")
    assert find_endpoint(var_dir=tmp_path, base_url="http://mine", api_key="mine") == Endpoint("http://mine", "mine")


async def ask(response: web.StreamResponse) -> Answered | Refused:
    """What the client makes of a gateway that answers just so."""
    gateway = FakeGateway()
    gateway.faults.append(response)  # type: ignore[arg-type]
    server = await gateway.start()
    try:
        async with open_session(1) as session:
            client = GatewayClient(session, endpoint_of(server))
            return await client.chat({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}, HEADERS)
    finally:
        await server.close()


async def test_a_refusal_tells_status_message_wait_and_charge() -> None:
    reply = await ask(failure(429, "slow down", retry_after="7", x_asahi_cost="0.000000004"))
    assert reply == Refused(429, "slow down", retry_after=7.0, cost_nano=4)


async def test_a_wait_that_is_no_number_is_none() -> None:
    assert await ask(failure(429, "slow down", retry_after="soon")) == Refused(429, "slow down")


async def test_an_error_page_that_is_no_json_keeps_its_status() -> None:
    assert await ask(web.Response(status=502, text="<html>")) == Refused(502, "Bad Gateway")


@pytest.mark.parametrize("content", [b"not json", b'{"choices": []}', b"{}"])
async def test_a_body_that_is_no_answer_is_a_refusal(content: bytes) -> None:
    reply = await ask(web.Response(body=content))
    assert isinstance(reply, Refused)
    assert "not an answer of Asahi" in reply.message


async def test_an_answer_without_receipt_headers_is_not_asahis() -> None:
    reply = await ask(web.json_response({"choices": [{"message": {"content": "Hi"}}]}))
    assert reply == Refused(200, "not an answer of Asahi: 'x-asahi-request-id'")


async def test_nobody_listening_is_told_apart_from_an_answer_cut_short(unused_tcp_port: int) -> None:
    async with open_session(1) as session:
        client = GatewayClient(session, Endpoint(f"http://127.0.0.1:{unused_tcp_port}", "k"))
        gone = await client.chat({}, {})
        status, body = await client.get_json("/v1/models")
    assert isinstance(gone, Refused)
    assert (gone.status, gone.connected, status) == (0, False, 0)
    assert body["error"]["message"]

    async def hang_up(request: web.Request) -> web.Response:
        request.transport.abort()  # type: ignore[union-attr]
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/chat/completions", hang_up)
    async with TestServer(app, host="127.0.0.1") as server, open_session(1) as session:
        cut = await GatewayClient(session, endpoint_of(server)).chat({}, {})
    assert isinstance(cut, Refused)
    assert (cut.status, cut.connected) == (0, True)


async def test_a_page_that_is_no_json_has_no_body() -> None:
    app = web.Application()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>")

    app.router.add_get("/page", page)
    async with TestServer(app, host="127.0.0.1") as server, open_session(1) as session:
        assert await GatewayClient(session, endpoint_of(server)).get_json("/page") == (200, None)
