"""Receivers of alerts that stall, and others beside them."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from app.alerts.channels import Channels
from app.db import Database
from app.settings import Settings
from specs.harness.mail import MailServer
from specs.harness.receiver import Answer, Receiver
from tests.app.alerts.test_delivery import EMAIL, LOCAL, Place

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


async def test_stalled_webhooks_hold_up_no_mail(database: Database, mail: MailServer, receiver: Receiver) -> None:
    """Nor retries, which have a loop of their own as well."""
    place = Place(database)
    receiver.answer = Answer(hold=Event())
    channels = Channels(Settings(_env_file=None, alert_networks=LOCAL).alert_networks, mail=True)
    for _ in range(100):
        await place.scene.rule(2, webhook_url=receiver.url, allowed=channels)
    await place.fire(email=EMAIL)
    async with place.delivering(smtp_url=f"smtp://127.0.0.1:{mail.port}", dispatch_timeout_seconds=60):
        await receiver.arrived()
        await mail.arrived()
        receiver.stopped.set()  # lets go of all


async def test_a_stalled_host_holds_up_no_other(database: Database, receiver: Receiver) -> None:
    place = Place(database)
    channels = Channels(Settings(_env_file=None, alert_networks=LOCAL).alert_networks)
    with Receiver(answer=Answer(hold=Event())) as stalled:
        for number in range(80):
            await place.scene.rule(1, webhook_url=f"http://127.1:{stalled.port}/{number}", allowed=channels)
        await place.scene.fail(1)
        await place.scene.alerts()
        alert_id, _ = await place.fire(receiver.url)
        async with place.delivering(dispatch_timeout_seconds=60):  # longer than the test waits for anything
            await place.until_delivered(alert_id)
            stalled.stopped.set()  # lets go of all
