"""/session: browsers ask how to sign in (GET), sign in (POST), go on (PATCH), and sign out (DELETE)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from app.asgi.addresses import network_of
from app.asgi.answers import error_body
from app.asgi.body import read_body
from app.asgi.media_types import JSON
from app.auth import Role, SignIn, Viewer
from app.auth.sessions import LIFETIME, REFUSED, Browser, Started
from app.clock import DAY, SECOND
from app.errors import (
    AppError,
    BadInput,
    Conflict,
    Forbidden,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    masked,
    shown,
)
from app.http.origins import cookie_name, cookies, header, is_own_page, is_secure

MAX_BODY_BYTES = 16 * 1024
SECRET_HEADER = b"x-runwatch-session"
PROVIDER_ENTRY = "/session/oidc"
COOKIE_LIFETIME = 400 * DAY  # browsers keep none for longer


class _Credential(msgspec.Struct, forbid_unknown_fields=True):
    token: str | None = None
    code: str | None = None
    replace: bool = False


class BrowserSessions:
    """What the doors need to know of sessions: whose a request is, and the answers of /session."""

    def __init__(self, sign_in: SignIn, public_url: str) -> None:
        self._sign_in = sign_in
        self._public_url = public_url

    async def viewer_of(self, scope: Scope, secret: str | None) -> Viewer | None:
        """Who a session's cookie stands for; None without one, Unauthenticated if it is over.

        A cookie counts only when our own page sent it. Two of one name count as none: one of them is not ours.
        """
        given = cookies(scope, self._cookie_name(scope))
        if len(given) != 1 or not is_own_page(scope, self._public_url):
            return None
        return await self._sign_in.viewer_of_session(given[0], secret, network_of(scope.get("client")))

    async def answer(self, request: Request) -> Response:
        """Sign in (POST), renew (PATCH) or sign out (DELETE): 204. Over http, POST also gives the second secret."""
        if request.method in ("GET", "HEAD"):
            return self._told()
        try:
            self._check_origin(request.scope)
            if request.method == "POST":
                return self._started(request.scope, await self._start(request))
            given = cookies(request.scope, self._cookie_name(request.scope))
            if len(given) != 1:
                raise Unauthenticated(REFUSED)
            if request.method == "DELETE":
                await self._sign_in.end_session(given[0], network_of(request.scope.get("client")))
                return self._ended(request.scope)
            secret, address = header(request.scope, SECRET_HEADER), network_of(request.scope.get("client"))
            viewer = await self._sign_in.viewer_of_session(given[0], secret, address, renewed=True)
            return self._with_cookie(request.scope, given[0], viewer, _NO_STORE)
        except AppError as error:
            headers = {**_NO_STORE, **error.headers}
            return Response(error_body(shown(error)), error.status, headers, "application/json")
        except Unavailable as error:  # it says nothing of the session, nor of the credential
            headers = {**_NO_STORE, "retry-after": "1"}
            return Response(error_body(masked(error)), 503, headers, "application/json")

    def _told(self) -> Response:
        """What signs in, and out, besides a token: {"provider": {"label", "signIn", "signOut"} or null}."""
        provider = self._sign_in.provider
        told = None
        if provider is not None:
            ends = provider.sign_out_address(self._public_url) is not None
            end = f"{PROVIDER_ENTRY}/end" if ends else None
            told = {"label": provider.label, "signIn": PROVIDER_ENTRY, "signOut": end}
        return Response(orjson.dumps({"provider": told}), headers=_NO_STORE, media_type=JSON)

    async def _start(self, request: Request) -> Started:
        given = await _read(request)
        address = network_of(request.scope.get("client"))
        bound = not is_secure(request.scope, self._public_url)
        before = cookies(request.scope, self._cookie_name(request.scope))
        replaces = before[0] if len(before) == 1 else None
        client = request.client
        browser = Browser("" if client is None else client.host, request.headers.get("user-agent", ""))
        if given.code is not None:
            if not given.replace:
                await self._check_present(request.scope, given.code)
            return await self._sign_in.start_by_code(
                given.code, address, bound=bound, replaces=replaces, browser=browser
            )
        try:
            viewer = await self._sign_in.viewer_of(f"Bearer {given.token}", address)
        except Unauthenticated:
            raise Unauthenticated(REFUSED) from None  # one message, whatever is wrong
        return await self._sign_in.sessions.start(viewer, bound=bound, replaces=replaces, browser=browser)

    async def _check_present(self, scope: Scope, code: str) -> None:
        """Conflict if somebody else is signed in: a link that somebody sent must not make one work as another."""
        try:
            present = await self.viewer_of(scope, header(scope, SECRET_HEADER))
        except (Unauthenticated, RateLimited):
            return
        offered = None if present is None else await self._sign_in.sessions.offered_by(code)
        if present is not None and offered is not None and present.credential != offered.credential:
            message = "Somebody else is signed in: add replace: true to sign in instead, or keep the session"
            raise Conflict(message, signedIn=present.name, offered=offered.name)

    def _started(self, scope: Scope, started: Started) -> Response:
        headers = dict(_NO_STORE)
        if started.secret is not None:
            headers[SECRET_HEADER.decode()] = started.secret
        return self._with_cookie(scope, started.cookie, started.viewer, headers)

    def _with_cookie(self, scope: Scope, cookie: str, viewer: Viewer, headers: Mapping[str, str]) -> Response:
        # The row says when the session ends. A VIEWER's moves on, so the browser keeps that cookie.
        most = COOKIE_LIFETIME if viewer.role is Role.VIEWER else LIFETIME
        response = Response(status_code=204, headers=headers)
        response.set_cookie(
            self._cookie_name(scope),
            cookie,
            max_age=most // SECOND,
            path="/",
            secure=is_secure(scope, self._public_url),
            httponly=True,
            samesite="strict",
        )
        return response

    def _ended(self, scope: Scope) -> Response:
        response = Response(status_code=204, headers={**_NO_STORE, "clear-site-data": '"storage"'})
        secure = is_secure(scope, self._public_url)
        response.delete_cookie(self._cookie_name(scope), path="/", secure=secure, httponly=True, samesite="strict")
        return response

    def _cookie_name(self, scope: Scope) -> str:
        return cookie_name(scope, secure=is_secure(scope, self._public_url))

    def _check_origin(self, scope: Scope) -> None:
        """A browser says where a request comes from: another site can neither sign anybody in nor out."""
        named = any(name in (b"sec-fetch-site", b"origin") for name, _ in scope["headers"])
        if named and not is_own_page(scope, self._public_url):
            raise Forbidden("Only a page of this server may do that")


_NO_STORE: Mapping[str, str] = {"cache-control": "no-store"}


async def _read(request: Request) -> _Credential:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("Content-Type: application/json is needed")
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        given = msgspec.json.decode(body, type=_Credential)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        given = _Credential()
    if (given.token is None) == (given.code is None):
        raise BadInput('The body is {"token": "…"} or {"code": "…"}')
    return given
