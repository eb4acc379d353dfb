"""Webhooks as an engine receives them, over real sockets: the requests, and what follows each answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from threading import Event
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

import runwatch_client.webhook
from app import clock
from app.delivery.port import NotDelivered
from app.retries.port import RetryRequest
from app.retries.webhook import WebhookWayBack
from specs.harness.receiver import Answer, Receiver, Request, redirect
from specs.harness.servers import free_port
from tests.factories import NOON

SECRET = "whsec_" + "c2VjcmV0IHdpdGggdGhpcnR5LXR3byBieXRlcyAhIQ=="
ID = "0199" + "0" * 28
DATA = '{"z": 12345678901234567890, "a": 1.10, "list": [1.0, -0, 1e400],  "s": "\\ud800 \\u0000 é", "z": 2}'
KEPT = 4 * 1024


@pytest.fixture
async def way_back() -> AsyncIterator[WebhookWayBack]:
    way_back = WebhookWayBack(timeout=20)
    yield way_back
    await way_back.close()


@pytest.fixture
async def hasty() -> AsyncIterator[WebhookWayBack]:
    """A way back for engines that would keep a patient one waiting."""
    way_back = WebhookWayBack(timeout=0.3)
    yield way_back
    await way_back.close()


def a_request(**changes: Any) -> RetryRequest:
    given = {
        "id": ID,
        "attempts": 1,
        "execution_id": "execution_2",
        "external_id": "retry-1",
        "retry_of": "execution_1",
        "workflow": "send invoices – é",
        "trigger_kind": "schedule",
        "trigger_data": DATA,
        "requested_at": NOON,
        **changes,
    }
    return RetryRequest(**given)


async def send(way_back: WebhookWayBack, url: str, **changes: Any) -> None:
    await way_back.send(a_request(**changes), {"url": url, "secret": SECRET})


async def refused(way_back: WebhookWayBack, url: str) -> NotDelivered:
    with pytest.raises(NotDelivered) as error:
        await send(way_back, url)
    return error.value


async def sent(way_back: WebhookWayBack, receiver: Receiver) -> Request:
    await send(way_back, receiver.url)
    (request,) = receiver.requests
    return request


async def test_the_body_is_a_cloud_event(way_back: WebhookWayBack, receiver: Receiver) -> None:
    request = await sent(way_back, receiver)
    event = json.loads(request.body)
    data = event.pop("data")
    assert event.pop("time") == clock.to_rfc3339(NOON), "of the request: each attempt sends the same body"
    assert event == {
        "specversion": "1.0",
        "id": ID,
        "source": "runwatch",
        "type": "execution.retry_requested",
        "subject": "retry-1",
        "datacontenttype": "application/json",
    }
    assert data.pop("trigger") == {"kind": "schedule", "data": json.loads(DATA)}
    assert data == {
        "executionId": "execution_2",
        "externalId": "retry-1",
        "retryOf": "execution_1",
        "workflow": "send invoices – é",
    }
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["user-agent"] == "Runwatch"


async def test_the_data_of_the_trigger_are_the_text_that_came(way_back: WebhookWayBack, receiver: Receiver) -> None:
    assert f'"trigger":{{"kind":"schedule","data":{DATA}}}'.encode() in (await sent(way_back, receiver)).body


async def test_signature_verifies(way_back: WebhookWayBack, receiver: Receiver) -> None:
    request = await sent(way_back, receiver)
    assert request.id == ID
    Webhook(SECRET).verify(request.body, dict(request.headers))
    read = runwatch_client.webhook.verify(request.body, request.headers, SECRET)
    assert (read.webhook_id, read.external_id, read.retry_of) == (ID, "retry-1", "execution_1")
    assert (read.execution_id, read.workflow, read.trigger_kind) == ("execution_2", "send invoices – é", "schedule")
    assert read.trigger_json == DATA
    for changed in (request.body + b" ", request.body.replace(b"retry-1", b"retry-2")):
        with pytest.raises(runwatch_client.webhook.BadSignature):
            runwatch_client.webhook.verify(changed, request.headers, SECRET)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_2xx_accepts(way_back: WebhookWayBack, receiver: Receiver, status: int) -> None:
    receiver.answer = Answer(status, b"" if status == 204 else b"thanks")
    await sent(way_back, receiver)


@pytest.mark.parametrize("answer", [Answer(endless=True, body=b"x" * 65536), Answer(trickle=True, body=b"x" * 4096)])
async def test_2xx_accepts_whatever_comes_after_it(
    way_back: WebhookWayBack, receiver: Receiver, answer: Answer
) -> None:
    receiver.answer = answer
    await sent(way_back, receiver)
    assert receiver.hung_up.wait(20)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(way_back: WebhookWayBack, receiver: Receiver, status: int) -> None:
    with Receiver() as elsewhere:
        receiver.answer = redirect(elsewhere.url, status)
        error = await refused(way_back, receiver.url)
        assert str(error).startswith(f"{status} ")
        assert str(error).endswith(": over there")
        assert not error.final
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(500, b" database is down\n"), "500 Internal Server Error: database is down"),
        (Answer(404), "404 Not Found"),
        (Answer(429, b"slow down"), "429 Too Many Requests: slow down"),
        (Answer(599, b"?"), "599: ?"),
    ],
)
async def test_answer_of_the_engine_is_the_reason(
    way_back: WebhookWayBack, receiver: Receiver, answer: Answer, reason: str
) -> None:
    receiver.answer = answer
    error = await refused(way_back, receiver.url)
    assert (str(error), error.final, error.cut) == (reason, False, False)


@pytest.mark.parametrize("trickle", [False, True])
async def test_gone_is_final(hasty: WebhookWayBack, receiver: Receiver, trickle: bool) -> None:
    receiver.answer = Answer(410, b"moved away" if not trickle else b"m" * 4096, trickle=trickle)
    error = await refused(hasty, receiver.url)
    assert error.final
    assert str(error).startswith("410 Gone: m")
    assert error.cut == trickle


async def test_an_answer_that_does_not_come(hasty: WebhookWayBack, receiver: Receiver) -> None:
    receiver.answer = Answer(hold=Event())
    assert str(await refused(hasty, receiver.url)) == "No answer within 0.3 s"


async def test_where_nobody_listens(way_back: WebhookWayBack) -> None:
    error = await refused(way_back, f"http://user:pass-word@127.0.0.1:{free_port()}/secret-path-of-an-engine")
    assert str(error).startswith("ConnectError: ")
    assert not error.final
    assert "pass-word" not in str(error)
    assert "secret-path" not in str(error)


async def test_a_connection_that_breaks_off(way_back: WebhookWayBack, receiver: Receiver) -> None:
    receiver.script = [Answer(close=True)]
    assert str(await refused(way_back, receiver.url))
    # Cut short within its explanation: the status stands.
    receiver.script = [Answer(raw=b"HTTP/1.1 500 x\r\ncontent-length: 100\r\n\r\nno dis")]
    assert str(await refused(way_back, receiver.url)) == "500 Internal Server Error: no dis"


@pytest.mark.parametrize("answer", [Answer(500, b"x" * 10_000_000), Answer(500, b"x" * 65536, endless=True)])
async def test_4_kib_are_kept_of_an_answer(way_back: WebhookWayBack, receiver: Receiver, answer: Answer) -> None:
    receiver.answer = answer
    error = await refused(way_back, receiver.url)
    assert str(error) == "500 Internal Server Error: " + "x" * KEPT
    assert error.cut
    assert receiver.hung_up.wait(20)


async def test_an_explanation_that_trickles(hasty: WebhookWayBack, receiver: Receiver) -> None:
    receiver.answer = Answer(503, b"x", trickle=True, endless=True)
    error = await refused(hasty, receiver.url)
    assert str(error).rstrip("x") == "503 Service Unavailable: "
    assert error.cut


async def test_no_answer_is_unpacked(way_back: WebhookWayBack, receiver: Receiver) -> None:
    """64 KiB on the wire may be 64 MiB: such an answer is not asked for, and when it comes, it is left packed."""
    receiver.answer = Answer(500, b"still \x1f\x8b packed", {"content-encoding": "gzip"})
    assert str(await refused(way_back, receiver.url)) == "500 Internal Server Error: still \x1f\ufffd packed"
    assert receiver.requests[0].headers["accept-encoding"] == "identity"


async def test_a_binary_answer(way_back: WebhookWayBack, receiver: Receiver) -> None:
    receiver.answer = Answer(500, bytes(range(256)) * 100)
    assert str(await refused(way_back, receiver.url)).startswith("500 Internal Server Error: ")
    # A character that the bound cuts in two is left out.
    receiver.answer = Answer(500, "é".encode() * KEPT)
    assert str(await refused(way_back, receiver.url)).endswith("é")
    receiver.answer = Answer(500, b"x" + "é".encode() * KEPT)
    assert str(await refused(way_back, receiver.url)).endswith("é")


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..b", "[::1", "xn--\u0130", "exa mple", "127.0.0.1:0"])
async def test_a_url_that_leads_nowhere(way_back: WebhookWayBack, host: str) -> None:
    assert str(await refused(way_back, f"http://{host}/"))


async def test_a_url_may_carry_a_password(way_back: WebhookWayBack, receiver: Receiver) -> None:
    await send(way_back, receiver.url.replace("//", "//user:p%40ss@"))
    assert receiver.requests[0].headers["authorization"] == "Basic dXNlcjpwQHNz"


async def test_no_cookies_are_kept(way_back: WebhookWayBack, receiver: Receiver) -> None:
    """Engines on one host would get each other's."""
    receiver.answer = Answer(headers={"set-cookie": "session=1; Path=/"})
    for _ in range(2):
        await send(way_back, receiver.url)
    assert ["cookie" in request.headers for request in receiver.requests] == [False, False]


async def test_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch, receiver: Receiver, tmp_path: Any) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password lovelace\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    way_back = WebhookWayBack(timeout=20)
    request = await sent(way_back, receiver)
    assert "authorization" not in request.headers
    await way_back.close()


async def test_both_secrets_sign_while_one_is_renewed(way_back: WebhookWayBack) -> None:
    new = "whsec_" + "bmV3IHNlY3JldCB3aXRoIHRoaXJ0eS10d28gYnl0ZXM="
    verify = runwatch_client.webhook.verify
    with Receiver() as engine:
        for left in (clock.HOUR, -clock.HOUR):
            until = str(clock.now_us() + left)
            to = {"url": engine.url, "secret": new, "previous": SECRET, "previous_until": until}
            await way_back.send(a_request(), to)
        during, after = engine.requests
    for known in (new, SECRET, [SECRET, new]):
        assert verify(during.body, during.headers, known).external_id == "retry-1"
    assert verify(after.body, after.headers, [SECRET, new]).webhook_id == ID
    with pytest.raises(runwatch_client.webhook.BadSignature):
        verify(after.body, after.headers, SECRET)
