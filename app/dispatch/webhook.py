"""Retries to engines that take webhooks, signed after the Standard Webhooks specification."""

from __future__ import annotations

import asyncio
import codecs
from datetime import UTC, datetime
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import orjson
from standardwebhooks.webhooks import Webhook

from app import clock
from app.dispatch.port import NotDelivered, RetryRequest
from app.outbox import MOST_ERROR_BYTES

SOURCE = "runwatch"
TYPE = "execution.retry_requested"
# An engine that no longer wants any: the specification's word for "do not try again".
GONE = 410


class WebhookChannel:
    """POSTs a CloudEvent to the engine's URL. 2xx accepts; redirects are not followed."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        # TCP and TLS have this long each, and so are not cancelled by the whole: that would leave the socket open.
        self._connect_timeout = timeout / 2
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=self._connect_timeout),
            follow_redirects=False,
            trust_env=False,
            # Identity: 64 KiB on the wire may be 64 MiB when they are unpacked.
            headers={"user-agent": "Runwatch", "accept-encoding": "identity"},
            # None are kept: engines on one host would get each other's, and they would grow without end.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    async def send(self, request: RetryRequest, connection: dict[str, str]) -> None:
        """See Channel. `connection` has url and secret."""
        body = body_of(request)
        status, answer, whole = 0, bytearray(), False
        try:
            headers = _headers(request.id, body, connection["secret"])
            async with (
                asyncio.timeout(self._timeout),
                self._http.stream("POST", connection["url"], content=body, headers=headers) as response,
            ):
                status = response.status_code
                if not response.is_success:
                    whole = await _read(response, answer)
        except Exception as error:  # a host name that is too long is a UnicodeError, for instance
            if not status:
                raise NotDelivered(self._reason(error)) from None
            # What it answered stands, however that ended.
        if not 200 <= status < 300:
            raise _refusal(status, bytes(answer), cut=not whole)

    async def close(self) -> None:
        """See Channel."""
        await self._http.aclose()

    def _reason(self, error: Exception) -> str:
        if isinstance(error, httpx.ConnectTimeout):
            return f"No connection within {self._connect_timeout:g} s"
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return f"No answer within {self._timeout:g} s"
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def body_of(request: RetryRequest) -> str:
    """The CloudEvent; the trigger's data stand in it as the text that they are."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": request.id,
            "source": SOURCE,
            "type": TYPE,
            "time": clock.to_rfc3339(clock.now_us()),
            "subject": request.external_id,
            "datacontenttype": "application/json",
            "data": {
                "executionId": request.execution_id,
                "externalId": request.external_id,
                "retryOf": request.retry_of,
                "workflow": request.workflow,
                "trigger": {"kind": request.trigger_kind, "data": orjson.Fragment(request.trigger_data)},
            },
        }
    ).decode()


def _headers(id_: str, body: str, secret: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "content-type": "application/cloudevents+json",
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, now, body),
    }


async def _read(response: httpx.Response, answer: bytearray) -> bool:
    """Add what the engine says to `answer`, up to a bound: none can fill the memory. Whether that is all of it."""
    async for part in response.aiter_raw():
        answer += part[: MOST_ERROR_BYTES + 1 - len(answer)]
        if len(answer) > MOST_ERROR_BYTES:
            return False
    return True


def _refusal(status: int, answer: bytes, *, cut: bool) -> NotDelivered:
    # A character that is cut in two is left out: the rest of it would hide that a secret is cut there.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(answer[:MOST_ERROR_BYTES], final=not cut)
    text = text.lstrip() if cut else text.strip()
    phrase = f"{status} {_phrase(status)}".strip()
    return NotDelivered(f"{phrase}: {text}" if text else phrase, final=status == GONE, cut=cut)


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""
