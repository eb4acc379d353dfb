"""Alerts on their way: over real sockets to a webhook and a mail server, whatever these do."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from app import clock, ids
from app.alerts import history, rules
from app.alerts.channels import Channels
from app.alerts.history import Delivery
from app.alerts.renewal import Renewal, renew_secret
from app.background import deliveries_of, tellers_of
from app.changes.commits import NO_LISTENERS
from app.db import Database
from app.settings import Settings
from specs.harness.mail import MailServer
from specs.harness.receiver import Answer, Receiver
from specs.harness.servers import free_port
from specs.harness.waiting import until
from tests.app.alerts.scene import Scene, base, finish, run
from tests.app.reports import select
from tests.sealing import SEALER

pytestmark = pytest.mark.usefixtures("quick")

EMAIL = "ops@example.com"
LOCAL = "127.0.0.0/8"
ERROR = {"type": "IOError", "message": "no such file: /data/in"}


class Place:
    """A scene with what delivers its alerts."""

    def __init__(self, database: Database) -> None:
        self.scene = Scene(database)
        self.database = database

    @asynccontextmanager
    async def delivering(self, **given: Any) -> AsyncIterator[None]:
        """Deliver, by some settings."""
        given = {"alert_networks": LOCAL, "smtp_from": "Runwatch <runwatch@example.com>", **given}
        settings = Settings(_env_file=None, **given)
        tellers = tellers_of(settings, self.database, SEALER)
        deliveries = deliveries_of(settings, self.database, SEALER, self.scene.ingestion, NO_LISTENERS, tellers, {})
        await deliveries.start()
        try:
            yield
        finally:
            await deliveries.close()

    async def fire(self, url: str | None = None, email: str | None = None, **given: Any) -> tuple[str, str]:
        """A rule that has fired: the id of its alert, and its secret."""
        channels = Channels(Settings(_env_file=None, alert_networks=LOCAL).alert_networks, mail=True)
        saved = await self.scene.rule(2, webhook_url=url, email=email, allowed=channels)
        given = {"error": ERROR, **given}
        await self.scene.tell(*run("first", 1, **given), *run("last", 2, **given))
        return (await self.scene.alerts())[-1]["id"], saved.signing_secret or ""

    async def delivery(self, alert_id: str) -> Delivery:
        return (await history.deliveries(self.database, [alert_id]))[alert_id]

    async def until_delivered(self, alert_id: str) -> Delivery:
        async def delivered() -> bool:
            return (await self.delivery(alert_id)).delivered_at is not None

        await until(delivered, "delivery")
        return await self.delivery(alert_id)

    async def until_failed(self, alert_id: str, pattern: str = "") -> str:
        async def failed() -> bool:
            return re.search(pattern, (await self.delivery(alert_id)).last_error or "\0") is not None

        async def any_error() -> bool:
            return (await self.delivery(alert_id)).last_error is not None

        await until(failed if pattern else any_error, "error")
        return (await self.delivery(alert_id)).last_error or ""


@pytest.fixture
def place(database: Database) -> Place:
    return Place(database)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


async def test_a_webhook_gets_a_signed_event(place: Place, receiver: Receiver) -> None:
    alert_id, secret = await place.fire(receiver.url)
    async with place.delivering(public_url="https://runwatch.example/"):
        delivery = await place.until_delivered(alert_id)
    assert delivery.last_error is None
    (request,) = receiver.requests
    Webhook(secret).verify(request.body, dict(request.headers))
    assert " " not in request.headers["webhook-signature"]
    (row,) = await select(place.database, "outbox", "1 = 1")
    assert request.id == row["id"]
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    event = json.loads(request.body)
    (alert,) = await select(place.database, "alerts", "1 = 1")
    workflow_id = ids.to_global("workflow", await place.scene.workflow_id())
    last = ids.to_global("execution", alert["last_execution_id"])
    assert event == {
        "specversion": "1.0",
        "id": row["id"],
        "source": "runwatch",
        "type": "alert.fired",
        "time": clock.to_rfc3339(alert["fired_at"]),
        "subject": workflow_id,
        "datacontenttype": "application/json",
        "data": {
            "alertId": ids.to_global("alert", alert_id),
            "ruleId": ids.to_global("alertRule", alert["rule_id"]),
            "summary": "nightly failed 2 times in a row",
            "condition": {"type": "failuresInARow", "count": 2, "measured": None, "compared": None},
            "workflow": {"id": workflow_id, "name": "nightly", "engine": "engine"},
            "failures": 2,
            "since": clock.to_rfc3339(base() + clock.SECOND),
            "endedAt": None,
            "firstError": ERROR,
            "lastError": ERROR,
            "link": f"https://runwatch.example/admin/automations/executions/{last}",
        },
    }


async def test_unknown_fields_of_an_alert_are_null(place: Place, receiver: Receiver) -> None:
    alert_id, _ = await place.fire(receiver.url, error=None)
    await place.scene.run("DELETE FROM executions WHERE external_id = 'first'")
    async with place.delivering():
        await place.until_delivered(alert_id)
    data = receiver.requests[0].data
    assert (data["firstError"], data["lastError"], data["link"]) == (None, None, None)


async def test_a_secret_that_becomes_known_late_is_masked(place: Place, receiver: Receiver) -> None:
    alert_id, _ = await place.fire(receiver.url, error={"type": "E", "message": "login as s3cr3t-value failed"})
    await place.scene.tell({**known_secret("last"), "id": "later"})
    async with place.delivering():
        await place.until_delivered(alert_id)
    assert receiver.requests[0].data["lastError"]["message"] == "login as ••• failed"


async def test_each_attempt_sends_what_the_first_one_did(place: Place, receiver: Receiver) -> None:
    """Whatever is corrected or configured meanwhile; but a secret that is known by now goes out no more."""
    alert_id, _ = await place.fire(receiver.url, error={"type": "E", "message": "login as s3cr3t-value failed"})
    receiver.answer = Answer(500)
    async with place.delivering(public_url="https://one.example"):
        await place.until_failed(alert_id)
    await place.scene.tell(finish("last", 9, error={"type": "E", "message": "corrected"}))
    async with place.delivering(public_url="https://two.example"):
        await receiver.arrived(len(receiver.requests) + 1)
    assert len({request.body for request in receiver.requests}) == 1
    (row,) = await select(place.database, "outbox", "1 = 1")
    assert "s3cr3t-value" not in str(row)
    await place.scene.tell({**known_secret("first"), "id": "later"})
    receiver.answer = Answer()
    async with place.delivering():
        await place.until_delivered(alert_id)
    first, last = receiver.requests[0], receiver.requests[-1]
    assert first.body.replace(b"s3cr3t-value", "•••".encode()) == last.body
    (row,) = await select(place.database, "outbox", "1 = 1")
    assert row["body_sealed"] is None


def known_secret(subject: str) -> dict[str, Any]:
    """Tells a secret of a run."""
    (told, _) = run(subject, 0)
    data = {"trigger": {"kind": "api", "data": {"token": "s3cr3t-value"}}}
    return {**told, "type": "execution.started", "data": data}


async def test_mail_to_and_from_internationalised_domains(place: Place, mail: MailServer) -> None:
    """Every mail server takes it: nothing needs SMTPUTF8."""
    alert_id, _ = await place.fire(email="ops@пример.рф")
    sender = "Läufer <runs@bücher.example>"
    async with place.delivering(smtp_url=f"smtp://127.0.0.1:{mail.port}", smtp_from=sender):
        await place.until_delivered(alert_id)
    (sent,) = mail.mails
    assert (sent.sender, sent.recipients) == ("runs@xn--bcher-kva.example", ["ops@xn--e1afmkfd.xn--p1ai"])
    assert (sent.message["from"], sent.message["to"]) == ("Läufer <runs@xn--bcher-kva.example>", sent.recipients[0])


async def test_mail(place: Place, mail: MailServer) -> None:
    alert_id, _ = await place.fire(email=EMAIL)
    async with place.delivering(smtp_url=f"smtp://127.0.0.1:{mail.port}", public_url="https://runwatch.example"):
        await place.until_delivered(alert_id)
    (sent,) = mail.mails
    assert (sent.sender, sent.recipients, sent.encrypted) == ("runwatch@example.com", [EMAIL], False)
    (row,) = await select(place.database, "outbox", "1 = 1")
    message = sent.message
    assert message["from"] == "Runwatch <runwatch@example.com>"
    assert message["to"] == EMAIL
    assert message["subject"] == "nightly failed 2 times in a row"
    assert message["message-id"] == f"<{row['id']}@example.com>"
    assert message["auto-submitted"] == "auto-generated"
    assert message["date"] is not None
    (alert,) = await select(place.database, "alerts", "1 = 1")
    last = ids.to_global("execution", alert["last_execution_id"])
    link = f"https://runwatch.example/admin/automations/executions/{last}"
    for part in ("nightly", "engine", "Failures:  2", link, "IOError: no such file: /data/in"):
        assert part in sent.text


@pytest.mark.parametrize(
    "name",
    [
        "a\nBcc: all@example.com",
        "a\r\nSubject: other\r\n\r\nbody",
        "a\x00\x1b[31m\u2028b\u0085c",
        "é – 漢字 " * 30,
        "=?utf-8?q?x=0ABcc:_all=40example.com?=",
    ],
)
async def test_no_name_of_a_workflow_makes_a_header(place: Place, mail: MailServer, name: str) -> None:
    alert_id, _ = await place.fire(email=EMAIL, workflow=name)
    async with place.delivering(smtp_url=f"smtp://127.0.0.1:{mail.port}"):
        await place.until_delivered(alert_id)
    (sent,) = mail.mails
    assert sent.recipients == [EMAIL]
    message = sent.message
    assert message["bcc"] is None
    assert len(message.get_all("subject") or []) == 1
    assert message["subject"].isprintable()
    head = sent.raw.partition(b"\r\n\r\n")[0].decode("ascii")
    names = re.findall(r"^(\S+?):", head, re.MULTILINE)
    known = "from to subject date message-id auto-submitted mime-version content-type content-transfer-encoding"
    assert {name.lower() for name in names} == set(known.split())


async def test_a_mail_server_that_is_away_and_comes_back(place: Place, receiver: Receiver) -> None:
    mail = MailServer()
    alert_id, _ = await place.fire(receiver.url, EMAIL)
    async with place.delivering(smtp_url=f"smtp://127.0.0.1:{mail.port}"):
        error = await place.until_failed(alert_id)
        assert error.startswith("e-mail: The mail server refused the message: ")
        await receiver.arrived(1)
        assert (await place.delivery(alert_id)).delivered_at is None, "one channel is missing"
        with mail:
            delivery = await place.until_delivered(alert_id)
    assert len(mail.mails) == 1
    assert len(receiver.requests) == 1, "the other channel had it already"
    assert delivery.last_error == error, "it stays"


async def test_a_mail_server_that_refuses(place: Place, mail: MailServer) -> None:
    mail.refusal = "554 5.7.1 we do not like you"
    alert_id, _ = await place.fire(email=EMAIL)
    url = f"smtp://127.0.0.1:{mail.port}"
    async with place.delivering(smtp_url=url):
        assert "we do not like you" in await place.until_failed(alert_id)
        mail.refusal = None
        await place.until_delivered(alert_id)
    assert len(mail.mails) == 1


async def test_alert_that_no_receiver_takes_is_given_up(place: Place, receiver: Receiver) -> None:
    receiver.answer = Answer(503, b"closed")
    alert_id, _ = await place.fire(receiver.url, EMAIL)
    async with place.delivering(dispatch_give_up_seconds=0):
        await place.until_failed(alert_id, "webhook.*e-mail|e-mail.*webhook")
    delivery = await place.delivery(alert_id)
    assert delivery.delivered_at is None
    assert set((delivery.last_error or "").split("; ")) == {
        "webhook (given up): 503 Service Unavailable: closed",
        "e-mail (given up): No mail server is configured: set RUNWATCH_SMTP_URL",
    }


async def test_a_rule_that_is_deleted_delivers_nothing_more(place: Place, receiver: Receiver) -> None:
    alert_id, _ = await place.fire(receiver.url, EMAIL)
    (rule,) = await rules.list_all(place.database)
    await rules.delete(place.database, "ada", rule.id)
    async with place.delivering():
        await place.until_failed(alert_id, "webhook.*e-mail|e-mail.*webhook")
    error = (await place.delivery(alert_id)).last_error or ""
    assert error.count("(given up): The rule was deleted") == 2
    assert receiver.requests == []


async def test_a_channel_that_was_taken_away_gets_nothing(place: Place, receiver: Receiver, mail: MailServer) -> None:
    alert_id, _ = await place.fire(receiver.url, EMAIL)
    (rule,) = await rules.list_all(place.database)
    await place.scene.rule(2, id=rule.id, webhook_url=None)
    async with place.delivering(smtp_url=f"smtp://127.0.0.1:{mail.port}"):
        await mail.arrived()
        error = await place.until_failed(alert_id, "webhook")
    assert error == "webhook (given up): The rule no longer has this channel"
    assert receiver.requests == []


async def test_no_error_shows_url_or_secret(place: Place, receiver: Receiver) -> None:
    path = "T0123456789ABCDEF0123"
    alert_id, secret = await place.fire(f"http://127.0.0.1:{receiver.port}/{path}?key=query-key")
    receiver.answer = Answer(500, f"{path} {secret} query-key".encode())
    async with place.delivering():
        error = await place.until_failed(alert_id)
    assert error == "webhook: 500 Internal Server Error: ••• ••• •••"


async def test_an_address_that_is_no_longer_allowed(place: Place, receiver: Receiver) -> None:
    alert_id, _ = await place.fire(receiver.url)
    async with place.delivering(alert_networks="10.0.0.0/8"):
        error = await place.until_failed(alert_id)
    assert "RUNWATCH_ALERT_NETWORKS" in error
    assert receiver.requests == []


async def test_a_name_that_points_to_this_machine(place: Place, receiver: Receiver) -> None:
    channels = Channels(Settings(_env_file=None, alert_networks=LOCAL).alert_networks)
    await place.scene.rule(1, webhook_url=f"http://localhost:{receiver.port}/", allowed=channels)
    await place.scene.tell(*run("run", 1))
    (alert,) = await place.scene.alerts()
    async with place.delivering(alert_networks=""):
        assert "private address" in await place.until_failed(alert["id"])
    assert receiver.requests == []


async def test_refused_connection_is_the_last_error(place: Place) -> None:
    alert_id, _ = await place.fire(f"http://127.0.0.1:{free_port()}/")
    async with place.delivering():
        assert (await place.until_failed(alert_id)).startswith("webhook: ConnectError")


async def test_both_secrets_sign_while_one_is_renewed(place: Place, receiver: Receiver) -> None:
    first_alert, old = await place.fire(receiver.url)
    (rule,) = await rules.list_all(place.database)
    renewed = await renew_secret(place.database, SEALER, "ada", Renewal(rule.id, clock.HOUR))
    assert renewed.signing_secret is not None
    async with place.delivering():
        await place.until_delivered(first_alert)
    (request,) = receiver.requests
    for secret in (old, renewed.signing_secret):
        Webhook(secret).verify(request.body, dict(request.headers))
