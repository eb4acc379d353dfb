"""/session/oidc and below: sign-in by an OpenID Connect provider, and its word that somebody signed out there.

A browser is led to the provider and back. What belongs to its way (state, nonce, PKCE's verifier) it keeps itself, in a
cookie that only we can read: so nobody who has not signed in makes us store anything, and every process can go on with
it. Whoever comes back signed in gets a one-time code in the fragment, as by a link, and the page does the rest.
"""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlencode

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from app import clock
from app.asgi.body import read_body
from app.asgi.media_types import JSON
from app.auth import codes
from app.auth.provider import Attempt, NoRole, Provider
from app.auth.provider_logout import end_sessions
from app.db import Database
from app.delivery.page_links import BASE
from app.errors import BadInput, LimitExceeded, Unauthenticated, Unavailable
from app.http.origins import cookie_name, cookies, header, is_secure, origin_of
from app.http.sessions import PROVIDER_ENTRY
from app.log import get_logger
from app.secrets.sealing import CannotUnseal, Sealer

log = get_logger(__name__)

SIGN_IN = f"{BASE}/sign-in"
# As long as somebody may take to type a password and to find a second factor.
LIFETIME_SECONDS = 600
MAX_LOGOUT_BYTES = 64 * 1024
MAX_NEXT = 2_500  # bytes: with the rest, sealed, it fits into a cookie of 4 KiB; and the longest saved view into it
_NO_STORE = {"cache-control": "no-store", "referrer-policy": "no-referrer"}


class _Way(msgspec.Struct):
    """What a browser keeps on its way. `expires_at`: µs since the epoch."""

    attempt: Attempt
    next: str
    expires_at: int


class ProviderSignIn:
    """The endpoints."""

    def __init__(self, provider: Provider, database: Database, sealer: Sealer, public_url: str) -> None:
        self._provider = provider
        self._database = database
        self._sealer = sealer
        self._public_url = public_url

    @property
    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route(PROVIDER_ENTRY, self.leave),
            Route(f"{PROVIDER_ENTRY}/callback", self.arrive),
            Route(f"{PROVIDER_ENTRY}/end", self.end),
            Route(f"{PROVIDER_ENTRY}/logout", self.log_out, methods=["POST"]),
        ]

    async def leave(self, request: Request) -> Response:
        """Lead the browser to the provider. `next`: the page to show when it is back."""
        following = request.query_params.get("next", "")
        if len(following.encode()) > MAX_NEXT:
            following = ""  # a part of it would be another page
        if not self._is_home(request.scope):
            # The cookie is for one host, and the provider leads back to the public one.
            asked = urlencode({"next": following})
            return RedirectResponse(f"{self._public_url}{PROVIDER_ENTRY}?{asked}", 303, _NO_STORE)
        attempt = Attempt.new()
        try:
            address = await self._provider.address(attempt)
        except Unavailable:
            return _refused("unavailable", following)
        response = RedirectResponse(address, 303, _NO_STORE)
        way = _Way(attempt, following, clock.now_us() + LIFETIME_SECONDS * clock.SECOND)
        self._keep(request.scope, response, attempt.state, self._sealer.encrypt(msgspec.to_builtins(way)))
        return response

    async def arrive(self, request: Request) -> Response:
        """The provider led the browser back: with a code, or with why not."""
        given = request.query_params
        way = self._way(request.scope, given.get("state", ""))
        if way is None:
            return _refused("expired")
        response = await self._signed_in(way, given.get("code"), given.get("error"), given.get("iss"))
        self._keep(request.scope, response, way.attempt.state, "")
        return response

    async def end(self, request: Request) -> Response:
        """Lead the browser to where it ends its session at the provider."""
        back = f"{self._public_url}{SIGN_IN}"
        return RedirectResponse(self._provider.sign_out_address(back) or SIGN_IN, 303, _NO_STORE)

    async def log_out(self, request: Request) -> Response:
        """The provider says that somebody signed out there (Back-Channel Logout 1.0): 200, or why not."""
        try:
            logout = await self._provider.logout_of(await _logout_token(request))
            ended = await end_sessions(self._database, logout)
        except (Unauthenticated, BadInput, LimitExceeded) as error:
            log.warning("provider_logout_refused", reason=error.message)
            told = {"error": "invalid_request", "error_description": error.message}
            return Response(orjson.dumps(told), 400, _NO_STORE, JSON)
        except Unavailable:
            return Response(status_code=503, headers={**_NO_STORE, "retry-after": "1"})
        log.info("provider_logged_out", sessions=ended)
        return Response(headers=_NO_STORE)

    async def _signed_in(self, way: _Way, code: str | None, error: str | None, issuer: str | None) -> Response:
        if not code:
            log.info("provider_sign_in_refused", reason=(error or "no code")[:100])
            return _refused("denied" if error == "access_denied" else "failed", way.next)
        try:
            viewer = await self._provider.viewer_of(way.attempt, code, issuer)
            secret = await codes.new_code_of(self._database, viewer)
        except NoRole as reason:
            log.warning("provider_sign_in_refused", reason=reason.message)
            return _refused("role", way.next)
        except Unauthenticated as reason:
            log.warning("provider_sign_in_refused", reason=reason.message)
            return _refused("failed", way.next)
        except Unavailable:
            return _refused("unavailable", way.next)
        return RedirectResponse(f"{_page(way.next)}#code={quote(secret)}", 303, _NO_STORE)

    def _way(self, scope: Scope, state: str) -> _Way | None:
        """What the browser has kept under a state; None if it has nothing, or for too long."""
        given = cookies(scope, self._cookie(scope, state))
        if len(given) != 1:
            return None
        try:
            way = msgspec.convert(self._sealer.decrypt(given[0]), _Way)
        except (CannotUnseal, msgspec.ValidationError):
            return None
        return way if way.attempt.state == state and way.expires_at > clock.now_us() else None

    def _keep(self, scope: Scope, response: Response, state: str, value: str) -> None:
        response.set_cookie(
            self._cookie(scope, state),
            value,
            max_age=LIFETIME_SECONDS if value else 0,
            path="/",  # as the prefix __Host- wants it
            secure=is_secure(scope, self._public_url),
            httponly=True,
            samesite="lax",  # the way back begins at the provider
        )

    def _cookie(self, scope: Scope, state: str) -> str:
        """One for each way: somebody may sign in in two tabs."""
        own = cookie_name(scope, secure=is_secure(scope, self._public_url))
        return f"{own}-oidc-{''.join(filter(str.isalnum, state))[:12]}"

    def _is_home(self, scope: Scope) -> bool:
        scheme = "https" if is_secure(scope, self._public_url) else "http"
        return origin_of(f"{scheme}://{header(scope, b'host') or ''}") == origin_of(self._public_url)


async def _logout_token(request: Request) -> str:
    """The only field of its name; BadInput if there is none."""
    form = parse_qs((await read_body(request, MAX_LOGOUT_BYTES)).decode("utf-8", "replace"))
    tokens = form.get("logout_token", [])
    if len(tokens) != 1:
        raise BadInput("The body is logout_token=<token>, as a form has it")
    return tokens[0]


def _page(following: str) -> str:
    return f"{SIGN_IN}?{urlencode({'next': following})}" if following else SIGN_IN


def _refused(why: str, following: str = "") -> Response:
    """Back to the page, which says why in words; it looks itself whether `next` is one of its own."""
    asked = {"refused": why, **({"next": following} if following else {})}
    return RedirectResponse(f"{SIGN_IN}?{urlencode(asked)}", 303, _NO_STORE)
