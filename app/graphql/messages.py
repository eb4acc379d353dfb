"""The messages of graphql-transport-ws: a client's as values, the server's as text. Pure.

The protocol is that of the npm package graphql-ws: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import orjson

from app.graphql.payload import head_of

SUBPROTOCOL = "graphql-transport-ws"
# Clients number their operations or give them UUIDs. Every result repeats the id.
MAX_ID_LENGTH = 256
# RFC 6455: a control frame has 125 bytes, two of which are the code.
MAX_REASON_BYTES = 123


class Close(IntEnum):
    """Why a socket is closed. Codes up to 4500 are the protocol's own; stock clients know them."""

    RESTART = 1012  # the server ends; clients reconnect
    TRY_AGAIN = 1013  # nobody can sign in just now, or this address failed too often; clients reconnect
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401  # clients give up
    EXPIRED = 4403  # clients reconnect, with fresh credentials
    SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    SECOND_INIT = 4429
    INTERNAL = 4500  # clients give up; the log has the reason, an errorId
    TOO_SLOW = 4510  # the client does not read its results; it reconnects, and resumes from its cursor


class Closing(Exception):
    """Close the socket, and how."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = cut(reason)


@dataclass(frozen=True, slots=True)
class Init:
    """connection_init."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    """ping; `payload` is the text that came along, for the answer."""

    payload: bytes | None


@dataclass(frozen=True, slots=True)
class Pong:
    """pong: nothing to do."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What to execute: the payload of a subscribe message."""

    query: str  # empty if `extensions` name it by its hash
    variables: dict[str, Any] | None = None
    name: str | None = None
    extensions: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """subscribe."""

    id: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Complete:
    """complete: the client wants no more results."""

    id: str


PERSISTED = "persistedQuery"  # the member of `extensions` by which clients of Apollo send a hash


def by_hash(extensions: dict[str, Any] | None) -> bool:
    """Whether these extensions stand for a text (app/graphql/persisted.py)."""
    return extensions is not None and extensions.get(PERSISTED) is not None


Message = Init | Ping | Pong | Subscribe | Complete


def parse(text: str | bytes | None) -> Message:
    """The message in a text frame; Closing if it is malformed. None: the frame was a binary one."""
    if text is None:
        raise _bad("Send messages as text frames")
    try:
        # Accepts no NaN, no lone surrogate, and no nesting beyond 1,024 levels.
        given = orjson.loads(text.removeprefix("\ufeff") if isinstance(text, str) else text)
    except orjson.JSONDecodeError as error:
        raise _bad(f"Not JSON: {error.msg}") from None
    if not isinstance(given, dict):
        raise _bad("A message must be a JSON object")
    match given.get("type"):
        case "connection_init":
            return Init(_object(given, "payload") or {})
        case "ping":
            return Ping(_text(_object(given, "payload")))
        case "pong":
            _object(given, "payload")
            return Pong()
        case "subscribe":
            return Subscribe(_id(given), _operation(given))
        case "complete":
            return Complete(_id(given))
        case str(other):
            raise _bad(f"Clients must not send messages of type {other[:40]!r}")
        case _:
            raise _bad('A message needs a "type"')


ACK = b'{"type":"connection_ack"}'


def pong(payload: bytes | None) -> bytes:
    """The answer to a ping."""
    return b'{"type":"pong"}' if payload is None else b'{"type":"pong","payload":%b}' % payload


def next_(id_: str, result: dict[str, Any] | bytes) -> bytes:
    """One result; bytes are its JSON."""
    return b"%b%b}" % (head_of(id_), result if isinstance(result, bytes) else orjson.dumps(result))


def error(id_: str, errors: Sequence[dict[str, Any]]) -> bytes:
    """The operation has failed, and is over."""
    return orjson.dumps({"id": id_, "type": "error", "payload": errors})


def complete(id_: str) -> bytes:
    """The operation is over."""
    return orjson.dumps({"id": id_, "type": "complete"})


def cut(reason: str) -> str:
    """As much of a reason as a close frame can hold."""
    return reason.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore")


def _bad(reason: str) -> Closing:
    return Closing(Close.BAD_REQUEST, reason)


def _id(given: dict[str, Any]) -> str:
    id_ = given.get("id")
    if not isinstance(id_, str) or not id_:
        raise _bad('"id" must be a string that is not empty')
    if len(id_) > MAX_ID_LENGTH:
        raise _bad(f'"id" has more than {MAX_ID_LENGTH} characters')
    return id_


def _object(given: dict[str, Any], name: str) -> dict[str, Any] | None:
    value = given.get(name)
    if not isinstance(value, dict | None):
        raise _bad(f'"{name}" must be an object')
    return value


def _text(payload: dict[str, Any] | None) -> bytes | None:
    try:
        return None if payload is None else orjson.dumps(payload)
    except orjson.JSONEncodeError:  # it writes 254 levels and reads 1,024
        raise _bad('"payload" is nested too deeply') from None


def _operation(given: dict[str, Any]) -> Operation:
    payload = given.get("payload")
    if not isinstance(payload, dict):
        raise _bad('"payload" must be an object with "query"')
    query, name, extensions = payload.get("query"), payload.get("operationName"), _object(payload, "extensions")
    if query is None and by_hash(extensions):
        query = ""
    if not isinstance(query, str):
        raise _bad('"query" must be a string')
    if not isinstance(name, str | None):
        raise _bad('"operationName" must be a string')
    return Operation(query, _object(payload, "variables"), name or None, extensions)
