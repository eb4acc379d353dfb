"""Webhooks: what an independent implementation of the specification signs is taken, and nothing else."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from runwatch_client.webhook import (
    BadBody,
    BadSecret,
    BadSignature,
    BadTimestamp,
    MissingHeader,
    Receiver,
    RetryRequest,
    WebhookError,
    verify,
)

SECRET = "whsec_" + base64.b64encode(b"a key of 24 to 64 bytes.").decode()
OTHER = "whsec_" + base64.b64encode(os.urandom(32)).decode()
DATA = '{"order": 12345678901234567890, "price": 1.10, "tags": [ "ä", "\\u00e4" ],  "b": 1, "a": 2}'


def body(data: str | None = DATA, **changes: Any) -> str:
    """A request as text; `data` goes into it as it is."""
    event = {
        "specversion": "1.0",
        "id": "msg_1",
        "source": "runwatch",
        "type": "execution.retry_requested",
        "data": {
            "executionId": "execution_2",
            "externalId": "retry-1",
            "retryOf": "execution_1",
            "workflow": "send invoices",
            "trigger": {"kind": "schedule", "data": "HERE"},
        },
        **changes,
    }
    if data is None:
        del event["data"]["trigger"]["data"]
    return json.dumps(event).replace('"HERE"', data or "")


def signed(text: str, *secrets: str, at: float | None = None, message_id: str = "msg_1") -> dict[str, str]:
    """The headers that the reference implementation makes, with a signature for each secret."""
    seconds = int(time.time() if at is None else at)
    when = datetime.fromtimestamp(seconds, UTC)
    signatures = [Webhook(secret).sign(message_id, when, text) for secret in secrets or (SECRET,)]
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(seconds),
        "Webhook-Signature": " ".join(signatures),
    }


def test_a_request_is_read() -> None:
    request = verify(body().encode(), signed(body()), SECRET)
    assert request == RetryRequest(
        webhook_id="msg_1",
        execution_id="execution_2",
        external_id="retry-1",
        retry_of="execution_1",
        workflow="send invoices",
        trigger_kind="schedule",
        trigger_data={"order": 12345678901234567890, "price": 1.1, "tags": ["ä", "ä"], "b": 1, "a": 2},
        trigger_json=DATA,
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
)
def test_the_text_of_the_trigger_data_is_the_one_that_was_sent(value: Any, indent: int | None, ascii_: bool) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_)
    text = body(data, data_before={"data": {"trigger": {"data": 1}}})
    request = verify(text.encode(), signed(text), SECRET)
    assert request.trigger_json == data
    assert request.trigger_data == value


def test_without_trigger_data_there_is_none() -> None:
    request = verify(body(None).encode(), signed(body(None)), SECRET)
    assert request.trigger_data is None
    assert request.trigger_json is None


def test_what_the_engine_gave_runwatch_to_keep_comes_back() -> None:
    text = body("1").replace('"data": 1', '"data": 1, "message": "mine"')
    assert verify(text.encode(), signed(text), SECRET).message == "mine"
    text = text.replace('"mine"', "7")
    with pytest.raises(BadBody, match="message must be"):
        verify(text.encode(), signed(text), SECRET)


def test_of_a_repeated_key_the_last_counts_in_both_forms() -> None:
    text = body('1, "data": 2')
    request = verify(text.encode(), signed(text), SECRET)
    assert (request.trigger_data, request.trigger_json) == (2, "2")


def test_while_a_secret_is_changed_either_is_taken() -> None:
    headers = signed(body(), OTHER, SECRET)
    headers["Webhook-Signature"] = "v1a,aGVsbG8= v1,!!! " + headers["Webhook-Signature"]
    assert verify(body().encode(), headers, SECRET).external_id == "retry-1"
    assert verify(body().encode(), headers, OTHER).external_id == "retry-1"


@pytest.mark.parametrize("secret", [SECRET.removeprefix("whsec_"), SECRET.rstrip("="), f" {SECRET}\n"])
def test_a_secret_may_lack_its_prefix_or_padding_and_have_space_around(secret: str) -> None:
    assert verify(body().encode(), signed(body()), secret).external_id == "retry-1"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_ä", "not base64!", None, b"whsec_", 7])
def test_a_secret_that_is_none_is_refused_where_it_is_given(secret: Any) -> None:
    with pytest.raises(BadSecret, match="whsec_"):
        Receiver(secret)
    with pytest.raises(ValueError, match="whsec_"):  # as before it had a class of its own
        verify(body().encode(), signed(body()), secret)


ODD = st.none() | st.integers() | st.text() | st.binary() | st.lists(st.text())
NAMES = st.sampled_from([f"webhook-{part}" for part in ("id", "timestamp", "signature")])
TRIGGERS = st.sampled_from(
    ['"data"', '["data"]', "7", "true", '"x data"', '{"kind": 1}', '{"data": ' + "9" * 5_000 + "}"]
)


@given(
    st.none() | st.text() | st.dictionaries(ODD.filter(lambda key: not isinstance(key, list)) | NAMES, ODD), ODD, ODD
)
def test_whatever_is_wrong_is_a_webhook_error(headers: Any, secret: Any, text: Any) -> None:
    for given_secret in (secret, SECRET):
        with pytest.raises(WebhookError):
            verify(text, headers, given_secret)
    if isinstance(headers, dict):
        with pytest.raises(WebhookError):
            verify(b"{}", signed("{}") | headers, SECRET)


@given(TRIGGERS | st.text(), st.sampled_from(["trigger", "retryOf", "workflow", "data"]))
def test_whatever_a_signed_body_holds_is_read_or_a_webhook_error(value: str, name: str) -> None:
    text = body("1").replace('"trigger": {', '"other": {').replace('"workflow"', f'"{name}": {value}, "workflow"')
    with contextlib.suppress(WebhookError):
        verify(text.encode(), signed(text), SECRET)


def test_headers_may_be_bytes_and_pairs() -> None:
    pairs = [(name.encode(), value.encode()) for name, value in signed(body()).items()]
    given_pairs: Any = pairs
    assert Receiver(SECRET).verify(body().encode(), given_pairs).external_id == "retry-1"


@pytest.mark.parametrize(
    ("headers", "text", "error"),
    [
        ({}, body() + " ", BadSignature),
        ({"Webhook-Id": "msg_2"}, body(), BadSignature),
        ({"Webhook-Signature": "v1,"}, body(), BadSignature),
        ({"Webhook-Signature": ""}, body(), BadSignature),
        ({"Webhook-Signature": "v2,aGVsbG8="}, body(), BadSignature),
        ({"Webhook-Timestamp": "yesterday"}, body(), BadTimestamp),
        ({"Webhook-Timestamp": "-1"}, body(), BadTimestamp),
        ({"Webhook-Timestamp": "1" * 400}, body(), BadTimestamp),
        ({"Webhook-Timestamp": "nan"}, body(), BadTimestamp),
    ],
)
def test_changed_messages_are_refused(headers: dict[str, str], text: str, error: type[WebhookError]) -> None:
    with pytest.raises(error):
        verify(text.encode(), signed(body()) | headers, SECRET)


def test_another_timestamp_is_refused() -> None:
    headers = signed(body()) | {"Webhook-Timestamp": str(int(time.time()) - 1)}
    with pytest.raises(BadSignature):
        verify(body().encode(), headers, SECRET)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_every_header_is_needed(name: str) -> None:
    headers = signed(body())
    del headers[name]
    with pytest.raises(MissingHeader, match=name.lower()):
        verify(body().encode(), headers, SECRET)


@pytest.mark.parametrize(("at", "taken"), [(-299, True), (299, True), (-302, False), (302, False)])
def test_the_timestamp_may_differ_by_five_minutes(at: int, taken: bool) -> None:
    now = time.time()
    headers = signed(body(), at=now + at)
    if taken:
        verify(body().encode(), headers, SECRET, now=now)
    else:
        with pytest.raises(BadTimestamp):
            verify(body().encode(), headers, SECRET, now=now)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "not json",
        body(type="execution.cancelled"),
        body(data=None, data_={}).replace('"externalId": "retry-1", ', ""),
        body().replace('"retry-1"', "1"),
        body().replace('{"kind"', '["kind"').replace("}}}", "]}}"),
        "[" * 100_000,
        '{"type": "execution.retry_requested", "data": 1}',
    ],
)
def test_a_body_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadBody):
        verify(text.encode(), signed(text), SECRET)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadSignature):
        verify(b"\xff" + body().encode(), signed(body()), SECRET)
