"""What an engine gives the client: stripped, refused with one error, and never written to a log."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest

from runwatch_client import ConfigurationError, Runwatch
from tests.client.sink import Answer, Event, Sink
from tests.client.test_reporter import AWAY, emit, status

TOKEN = "rw_1a2b3c4d_SecretSecretSecret"


def test_white_space_around_url_and_token_is_not_sent(sink: Sink) -> None:
    with Runwatch(f" {sink.url}/\n", f"\t{TOKEN}\r\n", "billing", linger=0.01) as client:
        emit(client, 1)
    assert sink.requests[0]["authorization"] == f"Bearer {TOKEN}"
    assert sink.requests[0]["path"] == "/api/events"


@pytest.mark.parametrize("token", [None, b"rw_x", "", " \n", f"Bearer {TOKEN}", "rw_a b", '"rw_a"', "rw_ä", "rw_a\nb"])
def test_tokens_that_no_header_can_hold_are_refused_at_once(token: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^token: ") as refused:
        Runwatch(AWAY, token, "billing")
    assert "rw_" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "runwatch.example",
        "ftp://runwatch.example",
        "https://",
        "http://[::1",
        "http://a:b@host",
        "http://a\nb",
        "http://host:99999",
        "http://host?x=1",
        "http://host/#x",
    ],
)
def test_urls_that_cannot_work_are_refused_at_once(url: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^url: ") as refused:
        Runwatch(url, TOKEN, "billing")
    assert "a:b" not in str(refused.value)


def test_all_that_is_wrong_is_one_error() -> None:
    with pytest.raises(ConfigurationError, match=r"^url: .*; token: is empty; source: must have 1 to 100 characters$"):
        Runwatch("x", "", "")


class Broken(httpx.BaseTransport):
    """Fails as httpx does with a header that it cannot send, and as a proxy's settings do."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise self._error


ERRORS = [
    httpx.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'"),
    httpx.RemoteProtocolError(f"illegal header line: bytearray(b'authorization: {TOKEN}')"),
    httpx.ProxyError(f"407 {TOKEN}"),
    httpx.UnsupportedProtocol(f"http://user:{TOKEN}@proxy"),
    ValueError(f"Unknown scheme for proxy URL URL('foo://user:{TOKEN}@proxy')"),
    httpx.ConnectError(f"cannot connect to http://user:{TOKEN}@proxy"),
]


@pytest.mark.parametrize("error", ERRORS, ids=[type(error).__name__ for error in ERRORS])
def test_no_text_that_can_hold_a_header_is_logged(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = Runwatch("http://host", TOKEN, "billing", linger=0.01, transport=Broken(error))
    emit(client, 1)
    assert not client.close(0.2)
    assert type(error).__name__ in caplog.text
    assert TOKEN not in caplog.text
    problem = client.check().problem
    assert problem is not None
    assert TOKEN not in problem


def test_a_token_that_an_answer_repeats_is_masked(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    sink.script = [lambda _: (502, {}, f"You sent Authorization: Bearer {TOKEN}".encode())]
    with Runwatch(sink.url, TOKEN, "billing", linger=0.01) as client:
        emit(client, 1)
    assert "Bearer •••" in caplog.text
    assert TOKEN not in caplog.text


def answers(engine: str | None) -> Answer:
    return 202, {}, json.dumps({"accepted": 0, "rejected": []} | ({"engine": engine} if engine else {})).encode()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (answers("billing"), None),
        (answers(None), None),
        (answers("shop"), "The token is for the engine 'shop', and source is 'billing'"),
        (status(401), "Runwatch refused the token: 401, test 401"),
        (status(403), "The token may not report events: 403, test 403"),
        (status(503), "Runwatch cannot accept events now: 503, test 503"),
        (status(404), "No Runwatch at this URL: 404, test 404"),
        ((301, {"location": "https://x"}, b""), "The URL answers with a redirect (301); give the client the one"),
        ((202, {}, b"<html>"), "What answers at this URL is not Runwatch"),
        ((202, {}, b"[]"), "What answers at this URL is not Runwatch"),
    ],
)
def test_check_says_what_would_not_work(sink: Sink, client: Runwatch, answer: Answer, problem: str | None) -> None:
    def say(events: list[Event]) -> Answer:
        assert events == []
        return answer

    sink.script = [say]
    check = client.check()
    assert bool(check) is check.ok is (problem is None)
    assert (check.problem or "").startswith(problem or "")


def test_check_of_a_server_that_is_away_says_so() -> None:
    problem = Runwatch(AWAY, "token", "billing").check().problem
    assert problem is not None
    assert problem.startswith("Cannot reach Runwatch (ConnectError")
