"""Whether a way back is there, where it may lead, and what administrators hear of it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator

import pytest

from app.db import Database
from app.delivery.port import NotDelivered
from app.engines import EngineKind
from app.engines.connections import connect_celery, connect_webhook
from app.errors import Conflict
from app.retries.celery import CeleryWayBack
from app.retries.connecting import Connecting, NewWayBack
from app.retries.port import WayBack
from app.retries.webhook import WebhookWayBack
from specs.harness.receiver import Receiver
from specs.harness.servers.ports import free_port
from tests.app.retries.contract import SECRET, a_request
from tests.sealing import SEALER

LOCAL = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
async def ways_back() -> AsyncIterator[dict[EngineKind, WayBack]]:
    """Those of a server that may reach the public internet alone."""
    made: dict[EngineKind, WayBack] = {EngineKind.WEBHOOK: WebhookWayBack(30), EngineKind.CELERY: CeleryWayBack(30)}
    yield made
    for each in made.values():
        await each.close()


async def refused(way_back: WayBack, connection: dict[str, str]) -> str:
    """Why a way back is not there."""
    with pytest.raises(NotDelivered) as error:
        await way_back.reach(connection)
    return str(error.value)


async def test_a_webhook_is_reached_without_a_request() -> None:
    way_back = WebhookWayBack(5, LOCAL)
    with Receiver() as receiver:
        connection = {"url": receiver.url, "secret": SECRET}
        for each in (connection, {**connection, "guarded": "yes"}):
            assert await way_back.reach(each) == f"127.0.0.1:{receiver.port} can be reached"
        secure = {**connection, "url": receiver.url.replace("http:", "https:")}
        assert "SSL" in await refused(way_back, secure)
        assert receiver.requests == []
    await way_back.close()


async def test_what_is_not_there_is_said(ways_back: dict[EngineKind, WayBack]) -> None:
    webhook, celery = ways_back[EngineKind.WEBHOOK], ways_back[EngineKind.CELERY]
    port = free_port()
    assert await refused(webhook, {"url": "http://nowhere.invalid/"}) == "The host was not found: nowhere.invalid"
    assert "Connect call failed" in await refused(webhook, {"url": f"http://127.0.0.1:{port}/"})
    assert "Connection refused" in await refused(celery, {"broker_url": f"redis://127.0.0.1:{port}/0"})
    hasty = WebhookWayBack(0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        assert await refused(hasty, {"url": url}) == "No answer within 0.2 s"
    await hasty.close()


async def test_a_guarded_way_back_leads_to_allowed_places_alone(ways_back: dict[EngineKind, WayBack]) -> None:
    """Neither test nor retry: a name may have led elsewhere when the engine was connected."""
    with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        connection = {"url": url, "secret": SECRET, "guarded": "yes"}
        way_back = ways_back[EngineKind.WEBHOOK]
        assert "private address" in await refused(way_back, connection)
        with pytest.raises(NotDelivered, match="private address"):
            await way_back.send(a_request(), connection)
        assert receiver.requests == []
        broker = {"broker_url": f"redis://localhost:{receiver.port}/0", "guarded": "yes"}
        assert "private address" in await refused(ways_back[EngineKind.CELERY], broker)
        allowed = WebhookWayBack(5, LOCAL)
        await allowed.send(a_request(), {**connection, "url": receiver.url})
        assert len(receiver.requests) == 1
        await allowed.close()


async def test_a_test_masks_what_is_secret(database: Database, ways_back: dict[EngineKind, WayBack]) -> None:
    connecting = Connecting(database, SEALER, ways_back)
    broker = f"redis://:a-long-password@127.0.0.1:{free_port()}/0"
    await connect_celery(database, SEALER, "shop", broker, replace=False)
    made = await connecting.connect("ada", NewWayBack("hook", "https://hooks.invalid/x", None, False, None))
    [shop] = [row[0] for row in await database.fetch("SELECT id FROM engines WHERE name = 'shop'")]
    for id_ in (shop, made.engine.id):
        reached = await connecting.test("ada", str(id_).replace("-", ""))
        assert (reached.is_reached, "a-long-password" in reached.detail) == (False, False)
    entries = await database.fetch("SELECT action FROM audit_entries ORDER BY at, id")
    assert [row[0] for row in entries] == ["connectEngine", "testEngine", "testEngine"]


async def test_an_engine_is_connected_once(database: Database, ways_back: dict[EngineKind, WayBack]) -> None:
    await connect_webhook(database, SEALER, "hook", "http://127.0.0.1:9/", replace=False)
    connecting = Connecting(database, SEALER, ways_back)
    with pytest.raises(Conflict, match="replace: true"):
        await connecting.connect("ada", NewWayBack("hook", "https://hooks.invalid/", None, False, None))
    made = await connecting.connect("ada", NewWayBack("hook", None, "redis://broker.invalid", True, None))
    assert (made.engine.kind, made.secret) == (EngineKind.CELERY, None)
