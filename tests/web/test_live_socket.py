"""What `/ws/live` sends, and to whom."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections

from analytics import consumers
from analytics.live import group_for
from analytics.routing import websocket_urlpatterns
from governance.models import Membership
from tests.web.cast import new_person, record_request, request_id_at
from tests.web.markup import read

application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))


@pytest.fixture
def hana(committed):
    return new_person("hana@sunrise.example", "Sunrise Labs")


@pytest.fixture
def otto(committed):
    return new_person("otto@moonset.example", "Moonset Ltd")


@pytest.fixture(autouse=True)
async def _eagerly_and_cleanly(committed, monkeypatch):
    """Pushes come fast, and the thread that asked the database for them lets it go."""
    monkeypatch.setattr(consumers, "PUSH_INTERVAL_SECONDS", 0.05)
    yield
    await sync_to_async(connections.close_all)()


def socket_of(client, path: str = "/ws/live") -> WebsocketCommunicator:
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    return WebsocketCommunicator(application, path, headers=[(b"cookie", cookie.encode())])


async def figures(socket: WebsocketCommunicator) -> dict[str, str]:
    """The next push, as the page would show it."""
    message = json.loads(await socket.receive_from(timeout=5))
    assert message["type"] == "live.update"
    page = read(message["content"])
    return {name: page.text_of(name) for name in ("requests", "saved")}


async def announce(org) -> None:
    await get_channel_layer().group_send(group_for(org.pk), {"type": "live.update"})


async def close_code(socket: WebsocketCommunicator) -> int:
    while True:
        message = await socket.receive_output(timeout=5)
        if message["type"] == "websocket.close":
            return message["code"]


async def test_nobody_listens_without_being_signed_in():
    socket = WebsocketCommunicator(application, "/ws/live")
    connected, code = await socket.connect()
    assert (connected, code) == (False, consumers.SIGNED_OUT)


async def test_a_dashboard_gets_its_figures_at_once_and_again_after_every_change(browser_of, hana):
    socket = socket_of(await sync_to_async(browser_of)(hana.user))
    assert (await socket.connect())[0]
    assert (await figures(socket))["requests"] == "0"
    await sync_to_async(record_request)(hana.org, cost_nano=0, original_cost_nano=2_500_000_000)
    await announce(hana.org)
    assert await figures(socket) == {"requests": "1", "saved": "$2.50"}
    await socket.disconnect()


async def test_what_happens_in_another_organization_is_not_heard(browser_of, hana, otto):
    socket = socket_of(await sync_to_async(browser_of)(hana.user))
    await socket.connect()
    await figures(socket)
    await sync_to_async(record_request)(otto.org)
    await announce(otto.org)
    assert await socket.receive_nothing(timeout=0.5)
    await socket.disconnect()


async def test_many_changes_at_once_are_one_push(browser_of, hana, monkeypatch):
    monkeypatch.setattr(consumers, "PUSH_INTERVAL_SECONDS", 0.5)
    socket = socket_of(await sync_to_async(browser_of)(hana.user))
    await socket.connect()
    await figures(socket)
    for _ in range(10):
        await sync_to_async(record_request)(hana.org)
        await announce(hana.org)
    assert (await figures(socket))["requests"] == "10"
    assert await socket.receive_nothing(timeout=1)
    await socket.disconnect()


@pytest.mark.parametrize("ending", ["logged out", "removed", "changed password"])
async def test_a_socket_does_not_outlive_what_let_it_in(browser_of, hana, ending):
    client = await sync_to_async(browser_of)(hana.user)
    socket = socket_of(client)
    await socket.connect()
    await figures(socket)
    if ending == "logged out":
        await sync_to_async(client.logout)()
    elif ending == "removed":
        await Membership.objects.filter(user=hana.user).adelete()
    else:
        hana.user.set_password("another-morning-another-light")
        await hana.user.asave()
    await announce(hana.org)
    assert await close_code(socket) == consumers.SIGNED_OUT


async def test_a_socket_ends_when_its_session_turns_to_another_organization(browser_of, hana, otto):
    await Membership.objects.acreate(org=otto.org, user=hana.user)
    client = await sync_to_async(browser_of)(hana.user)
    socket = socket_of(client)
    await socket.connect()
    await figures(socket)
    await sync_to_async(client.post)("/settings/switch", {"org": otto.org.pk})
    await announce(hana.org)
    assert await close_code(socket) == consumers.SIGNED_OUT


@pytest.mark.parametrize(("path", "requests"), [("/ws/live", "0"), ("/ws/live?range=7d", "1")])
async def test_the_figures_are_those_of_the_range_that_was_asked_for(browser_of, hana, path, requests):
    long_ago = datetime.now(UTC) - timedelta(days=3)
    await sync_to_async(record_request)(hana.org, request_id=request_id_at(long_ago))
    socket = socket_of(await sync_to_async(browser_of)(hana.user), path)
    await socket.connect()
    assert (await figures(socket))["requests"] == requests
    await socket.disconnect()
