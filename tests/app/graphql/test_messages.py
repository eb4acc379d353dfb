"""Whatever a frame holds is a message, or closes the socket with a code and a reason that fit into a close frame."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graphql import messages
from app.graphql.messages import Close, Closing, Complete, Init, Operation, Ping, Pong, Subscribe, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
TYPES = st.sampled_from(["connection_init", "ping", "pong", "subscribe", "complete", "next", "error", "connection_ack"])
PAYLOAD = st.fixed_dictionaries(
    {},
    optional={"query": JSON | st.text(), "variables": JSON, "operationName": JSON | st.text(), "extensions": JSON},
)
ALMOST = st.fixed_dictionaries({}, optional={"type": TYPES | JSON, "id": st.text() | JSON, "payload": PAYLOAD | JSON})
QUERY = {"query": "{ a }"}


def message(**parts: Any) -> str:
    return json.dumps(parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (message(type="connection_init"), Init({})),
        (message(type="connection_init", payload=None), Init({})),
        (message(type="connection_init", payload={"a": [1]}), Init({"a": [1]})),
        (message(type="ping"), Ping(None)),
        (message(type="ping", payload=None), Ping(None)),
        (message(type="ping", payload={}), Ping(b"{}")),
        (message(type="ping", payload={"a": "ä"}), Ping('{"a":"ä"}'.encode())),
        (message(type="pong", payload={"a": 1}), Pong()),
        (message(type="complete", id="1"), Complete("1")),
        (message(type="subscribe", id="1", payload=QUERY, more=1), Subscribe("1", Operation("{ a }"))),
        (
            message(type="subscribe", id="x" * 256, payload={**QUERY, "variables": {"a": None}, "operationName": "A"}),
            Subscribe("x" * 256, Operation("{ a }", {"a": None}, "A")),
        ),
        (
            message(
                type="subscribe",
                id=" \0",
                payload={**QUERY, "variables": None, "operationName": None, "extensions": None},
            ),
            Subscribe(" \0", Operation("{ a }")),
        ),
    ],
)
def test_messages(text: str, expected: object) -> None:
    assert parse(text) == expected
    assert parse(text.encode()) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "null",
        "1",
        "NaN",
        "[]",
        '""',
        "{}",
        '{"type": "\\ud800"}',
        "[" * 100_000,
        '{"type": "ping", "payload": ' + '{"a":' * 5_000 + "1" + "}" * 5_001,
        '{"type": "ping", "payload": ' + '{"a":' * 500 + "1" + "}" * 501,
        message(type=1),
        message(type=None),
        message(type=["ping"]),
        message(type="start"),
        message(type="x" * 10_000),
        message(type="ä" * 200),
        message(type="next", id="1", payload={}),
        message(type="ping", payload=1),
        message(type="pong", payload=[]),
        message(type="connection_init", payload="x"),
        message(type="complete"),
        message(type="complete", id=""),
        message(type="complete", id=1),
        message(type="complete", id="x" * 257),
        message(type="subscribe", id="1"),
        message(type="subscribe", id={}, payload=QUERY),
        message(type="subscribe", id="1", payload=[]),
        message(type="subscribe", id="1", payload={}),
        message(type="subscribe", id="1", payload={"query": 1}),
        message(type="subscribe", id="1", payload={**QUERY, "variables": []}),
        message(type="subscribe", id="1", payload={**QUERY, "operationName": 1}),
        message(type="subscribe", id="1", payload={**QUERY, "extensions": 1}),
        message(type="subscribe", payload=QUERY),
    ],
    ids=lambda text: str(text)[:40],
)
def test_malformed_messages(text: str | None) -> None:
    with pytest.raises(Closing) as raised:
        parse(text)
    assert raised.value.code is Close.BAD_REQUEST
    assert 0 < len(raised.value.reason.encode()) <= 123


def outcome(text: bytes) -> messages.Message | Closing:
    try:
        return parse(text)
    except Closing as closing:
        return closing


@given(st.text() | st.binary() | ALMOST.map(json.dumps) | JSON.map(json.dumps))
def test_any_frame_is_a_message_or_closes(frame: str | bytes) -> None:
    text = frame.encode(errors="surrogatepass") if isinstance(frame, str) else frame
    found = outcome(text)
    if isinstance(found, Closing):
        assert found.code is Close.BAD_REQUEST
        assert len(found.reason.encode()) <= 123
    elif isinstance(found, Ping):
        assert orjson.loads(messages.pong(found.payload))["type"] == "pong"
    elif isinstance(found, Subscribe | Complete):
        assert orjson.loads(messages.complete(found.id)) == {"id": found.id, "type": "complete"}


@given(st.text())
def test_any_reason_fits(reason: str) -> None:
    cut = messages.cut(reason)
    assert len(cut.encode()) <= 123
    assert reason.startswith(cut) or not reason.isprintable()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_answers(id_: str) -> None:
    result = {"data": {"a": [1, None]}}
    for given_ in (result, orjson.dumps(result)):
        assert orjson.loads(messages.next_(id_, given_)) == {"id": id_, "type": "next", "payload": result}
    errors = [{"message": "no", "extensions": {"code": "NOT_FOUND"}}]
    assert orjson.loads(messages.error(id_, errors)) == {"id": id_, "type": "error", "payload": errors}
    assert orjson.loads(messages.ACK) == {"type": "connection_ack"}
