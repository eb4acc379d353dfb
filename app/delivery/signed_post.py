"""A signed POST, as Standard Webhooks specifies: carries retries and alerts."""

from __future__ import annotations

import asyncio
import codecs
import ssl
import time
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

from standardwebhooks.webhooks import Webhook

from app import clock
from app.delivery.http_library import http_library
from app.delivery.outbox import MAX_ERROR_BYTES
from app.delivery.port import NotDelivered
from app.monitor import spans

if TYPE_CHECKING:
    import httpx

SOURCE = "runwatch"
# The receiver wants no more: the specification's status for "do not try again".
GONE = 410
# Enough for an address on the other side of the world.
MIN_CONNECT_SECONDS = 1.0

# The addresses of a host to try. Raises NotDelivered for a forbidden host.
Resolve = Callable[[str], Awaitable[Sequence[str]]]


@cache
def trusted() -> ssl.SSLContext:
    """Whom to trust, read once: it takes 40 ms."""
    context: ssl.SSLContext = http_library().create_ssl_context(trust_env=False)
    return context


class SignedPost:
    """POSTs a CloudEvent to a URL. 2xx accepts; it follows no redirects.

    With `resolve`, connections go to the addresses that it returns, and nowhere else.
    """

    def __init__(self, timeout: float, resolve: Resolve | None = None) -> None:
        self._timeout = timeout
        self._resolve = resolve
        # TCP and TLS have this long each, so that the total time-out does not cancel them: that would leave the socket
        # open.
        self._connect_timeout = timeout / 2
        self._opened: httpx.AsyncClient | None = None

    async def send(self, id_: str, body: str, to: Mapping[str, str]) -> None:
        """POST a body to the url of `to`, signed with its secrets; raises NotDelivered, whatever is wrong."""
        try:
            url, headers = to["url"], _headers(id_, body, _secrets(to))
        except Exception as error:  # what is stored of the receiver makes no request
            raise NotDelivered(self._reason(error)) from None
        await self.post(url, body, headers)

    async def post(
        self, url: str, body: str, headers: Mapping[str, str], final: Container[int] = frozenset((GONE,))
    ) -> None:
        """POST a body as it is; raises NotDelivered, and with one of the `final` statuses for good."""
        status, answer, whole, retry_after = 0, bytearray(), False, 0
        _ = self._http  # opened before the time runs
        until = time.monotonic() + self._timeout
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._post(dict(headers), body, url, until)
                try:
                    status = response.status_code
                    if not response.is_success:
                        retry_after = wanted_pause(response.headers.get("retry-after", ""))
                        whole = await _read(response, answer)
                finally:
                    await response.aclose()
        except NotDelivered:
            raise
        except Exception as error:  # a host name that is too long is a UnicodeError, for instance
            if not status:
                raise NotDelivered(self._reason(error)) from None
            # What it answered stands, however that ended.
        if not 200 <= status < 300:
            raise _refusal(status, bytes(answer), cut=not whole, retry_after=retry_after, final=status in final)

    async def close(self) -> None:
        """Close open connections."""
        if self._opened is not None:
            await self._opened.aclose()

    @property
    def _http(self) -> httpx.AsyncClient:
        """Opened by the first request: most servers post nothing."""
        if self._opened is None:
            library = http_library()
            self._opened = library.AsyncClient(
                timeout=library.Timeout(self._timeout, connect=self._connect_timeout),
                follow_redirects=False,
                trust_env=False,
                verify=trusted(),
                # Identity: 64 KiB on the wire may unpack to 64 MiB.
                headers={"user-agent": "Runwatch", "accept-encoding": "identity"},
                # Keep no cookies: engines on one host would get each other's, and they would grow without end.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                # Keep no connections: one is kept under its address, and its certificate was not compared with other
                # names of it.
                limits=library.Limits(
                    max_connections=100, max_keepalive_connections=20 if self._resolve is None else 0
                ),
            )
        return self._opened

    async def _post(self, headers: dict[str, str], body: str, url: str, until: float) -> httpx.Response:
        if self._resolve is None:
            request = self._http.build_request("POST", url, content=body, headers=headers)
            return await self._http.send(request, stream=True)
        library = http_library()
        named = library.URL(url)
        host = named.raw_host.decode()
        headers["host"] = named.netloc.decode()
        addresses = await self._resolve(host)
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            request = self._http.build_request(
                "POST",
                named.copy_with(host=address),
                content=body,
                headers=headers,
                timeout=library.Timeout(self._timeout, connect=_share(until - time.monotonic(), left)),
                extensions={"sni_hostname": host},  # also what the certificate has to say
            )
            try:
                return await self._http.send(request, stream=True)
            except (library.ConnectError, library.ConnectTimeout):
                if left == 1:
                    raise
        raise NotDelivered("The webhook's host has no address")

    def _reason(self, error: Exception) -> str:
        library = http_library()
        if isinstance(error, library.ConnectTimeout):
            return f"No connection within {self._connect_timeout:g} s"
        if isinstance(error, (TimeoutError, library.TimeoutException)):
            return f"No answer within {self._timeout:g} s"
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _share(seconds: float, addresses: int) -> float:
    """How long TCP and TLS may each take with the first of so many addresses, when so many seconds are left for all.

    An address that does not answer, such as IPv6 without a route, leaves time for the next.
    """
    seconds = max(seconds / 2, 0.001)
    return max(seconds / addresses, min(seconds, MIN_CONNECT_SECONDS))


def _secrets(to: Mapping[str, str]) -> list[str]:
    """Those that sign: for a while also the one before the present one."""
    previous, until = to.get("previous"), int(to.get("previous_until", 0))
    return [to["secret"], *([previous] if previous and clock.now_us() < until else [])]


def _headers(id_: str, body: str, secrets: Sequence[str]) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "content-type": "application/cloudevents+json",
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(id_, now, body) for secret in secrets),
        **spans.headers(),
    }


async def _read(response: httpx.Response, answer: bytearray) -> bool:
    """Add the receiver's answer to `answer`, up to a bound, so that nobody can fill the memory; returns whether it is
    complete.
    """
    async for part in response.aiter_raw():
        answer += part[: MAX_ERROR_BYTES + 1 - len(answer)]
        if len(answer) > MAX_ERROR_BYTES:
            return False
    return True


def wanted_pause(retry_after: str) -> int:
    """What a Retry-After asks for, in µs: seconds, or a date of HTTP; 0 for anything else."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return int(text[:12]) * clock.SECOND
    try:
        until = parsedate_to_datetime(text)
        return max(0, clock.to_us(until if until.tzinfo else until.replace(tzinfo=UTC)) - clock.now_us())
    except (ValueError, TypeError, OverflowError):
        return 0


def _refusal(status: int, answer: bytes, *, cut: bool, retry_after: int, final: bool) -> NotDelivered:
    # A character that is cut in two is left out: the rest of it would hide that a secret is cut there.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(answer[:MAX_ERROR_BYTES], final=not cut)
    text = text.lstrip() if cut else text.strip()
    phrase = f"{status} {_phrase(status)}".strip()
    return NotDelivered(f"{phrase}: {text}" if text else phrase, final=final, cut=cut, retry_after=retry_after)


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""
