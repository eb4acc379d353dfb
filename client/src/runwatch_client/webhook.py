"""Retries that arrive as webhooks: verifies them as Standard Webhooks specifies, and reads them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TYPE = "execution.retry_requested"
PREFIX = "whsec_"
TOLERANCE = 300.0  # seconds, the specification's advice


class WebhookError(Exception):
    """Do not act on this webhook."""


class BadSecret(WebhookError, ValueError):
    """The secret is not whsec_ followed by Base64: the receiver is set up wrongly."""


class MissingHeader(WebhookError):
    """webhook-id, webhook-timestamp or webhook-signature is missing."""


class BadTimestamp(WebhookError):
    """The timestamp is invalid or too far from now: a replayed message, or a wrong clock."""


class BadSignature(WebhookError):
    """No signature matches body, headers and secret."""


class BadBody(WebhookError):
    """Signed by Runwatch, but not a retry request that this version understands."""


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """What Runwatch asks for: run `workflow` again with the trigger's data, and report it as `external_id`.

    A repeated delivery has the same webhook_id: keep it, and answer 2xx without a second run. trigger_json is the data
    as the engine sent it, with every digit; trigger_data is the same, parsed, or None if there is none. message is what
    the engine gave Runwatch to keep as the trigger's `message`, if anything.
    """

    webhook_id: str
    execution_id: str
    external_id: str
    retry_of: str | None
    workflow: str
    trigger_kind: str
    trigger_data: Any
    trigger_json: str | None
    message: str | None = None


class Receiver:
    """Verifies webhooks with a secret, which is checked here: raises BadSecret for one that cannot be right.

    Of several secrets, as while one is renewed, any will do.
    """

    def __init__(self, *secrets: str, tolerance: float = TOLERANCE) -> None:
        self._keys = [key_of(secret) for secret in secrets or ("",)]
        self._tolerance = tolerance

    def verify(self, body: bytes, headers: Mapping[str, str], *, now: float | None = None) -> RetryRequest:
        """The request in `body`, which must be the bytes as they arrived. Raises WebhookError and nothing else."""
        if not isinstance(body, bytes | bytearray | memoryview):
            raise BadBody("body: pass the bytes as they arrived")
        body = bytes(body)
        webhook_id, timestamp, signatures = _needed(headers)
        _check_time(timestamp, time.time() if now is None else now, self._tolerance)
        signed = b".".join([webhook_id.encode(errors="surrogatepass"), timestamp.encode(), body])
        fits = [_any_fits(signatures, hmac.new(key, signed, hashlib.sha256).digest()) for key in self._keys]
        if not any(fits):
            raise BadSignature("no v1 signature matches")
        return _read(webhook_id, body)


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance: float = TOLERANCE,
    now: float | None = None,
) -> RetryRequest:
    """The request in `body`, which must be the bytes as they arrived. Raises WebhookError if it cannot be trusted.

    `secret` is whsec_ and Base64, or several of them, as while one is renewed. `tolerance` is how many seconds the
    timestamp may differ from `now`.
    """
    secrets = secret if isinstance(secret, list | tuple) else (secret,)
    return Receiver(*secrets, tolerance=tolerance).verify(body, headers, now=now)


def key_of(secret: Any) -> bytes:
    """The bytes of a secret; BadSecret for an invalid secret."""
    text = secret.strip().removeprefix(PREFIX) if isinstance(secret, str) else ""
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise BadSecret("a webhook secret must be whsec_ followed by Base64")
    return key


def _needed(headers: Any) -> list[str]:
    """The three headers, whatever the case of their names; of bytes, as some servers keep them, the text."""
    try:
        given = {_text(name).lower(): value for name, value in dict(headers).items()}
        found = [given.get(f"webhook-{part}") for part in ("id", "timestamp", "signature")]
        texts = [None if value is None else _text(value) for value in found]
    except (TypeError, ValueError):
        raise MissingHeader("headers: must be a mapping of names to texts") from None
    if None in texts:
        raise MissingHeader(f"missing header webhook-{('id', 'timestamp', 'signature')[texts.index(None)]}")
    return [str(text) for text in texts]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise TypeError
    return value


def _check_time(timestamp: str, now: float, tolerance: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise BadTimestamp("webhook-timestamp: not a number of seconds")
    difference = int(timestamp) - now
    if abs(difference) > tolerance:
        raise BadTimestamp(f"webhook-timestamp: {abs(difference):.0f} s {'ahead' if difference > 0 else 'old'}")


def _any_fits(signatures: str, expected: bytes) -> bool:
    """Whether a v1 signature matches. It compares all of them, so that timing reveals nothing."""
    fits = False
    for each in signatures.split(" "):
        version, _, text = each.partition(",")
        if version != "v1":
            continue
        try:
            signature = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        fits |= hmac.compare_digest(signature, expected)
    return fits


def _read(webhook_id: str, body: bytes) -> RetryRequest:
    try:
        text = body.decode()
        event = json.loads(text)
        if event["type"] != TYPE:
            raise BadBody(f"type: {event['type']!r}, not {TYPE}")
        data = event["data"]
        trigger = data.get("trigger") or {}
        if not isinstance(trigger, dict):
            raise BadBody("the body is not a retry request: trigger must be an object")
        raw = _raw(text, "data", "trigger", "data") if "data" in trigger else None
        request = RetryRequest(
            webhook_id=webhook_id,
            execution_id=data["executionId"],
            external_id=data["externalId"],
            retry_of=data.get("retryOf"),
            workflow=data["workflow"],
            trigger_kind=trigger.get("kind", "unknown"),
            trigger_data=trigger.get("data"),
            trigger_json=raw,
            message=trigger.get("message"),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BadBody(f"the body is not a retry request: {type(error).__name__}: {error}") from None
    for value in (request.execution_id, request.external_id, request.workflow, request.trigger_kind):
        if not isinstance(value, str):
            raise BadBody("the body is not a retry request: ids, workflow and kind must be strings")
    for optional in (request.retry_of, request.message):
        if not isinstance(optional, str | None):
            raise BadBody("the body is not a retry request: retryOf and message must be strings or null")
    return request


_SPACE = " \t\n\r"
_decoder = json.JSONDecoder()


def _raw(text: str, *path: str) -> str:
    """The text of the value at `path` in a valid JSON object; of repeated keys the last."""
    start, end = _value(text, _skip(text, 0))
    for key in path:
        start, end = _member(text, start, key)
    return text[start:end]


def _member(text: str, start: int, wanted: str) -> tuple[int, int]:
    """Where the value of a key of the object at `start` begins and ends."""
    found: tuple[int, int] | None = None
    position = _skip(text, start + 1)
    while text[position] != "}":
        key, position = _decoder.raw_decode(text, position)
        position = _skip(text, _skip(text, position) + 1)  # past the colon
        span = _value(text, position)
        if key == wanted:
            found = span
        position = _skip(text, span[1])
        if text[position] == ",":
            position = _skip(text, position + 1)
    if found is None:
        raise KeyError(wanted)
    return found


def _value(text: str, position: int) -> tuple[int, int]:
    return position, _decoder.raw_decode(text, position)[1]


def _skip(text: str, position: int) -> int:
    while text[position] in _SPACE:
        position += 1
    return position
