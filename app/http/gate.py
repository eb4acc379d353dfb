"""The gate in front of /graphql and /api: nobody passes, and no body is read, without a valid sign-in."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from app.asgi.addresses import network_of
from app.asgi.answers import error_body, refuse_websocket
from app.asgi.media_types import answer_type
from app.auth import SignIn, Viewer
from app.errors import AppError, RateLimited, Unauthenticated, shown
from app.http.origins import header
from app.http.sessions import SECRET_HEADER, BrowserSessions

# First parts of paths that show or take data.
GUARDED = frozenset({"graphql", "api", "metrics"})

Headers = Iterable[tuple[bytes, bytes]]


class SignInGate:
    """ASGI: passes a request to `app` with its viewer in scope["state"]["viewer"] (`request.state.viewer`).

    Everybody else gets a 401 from the headers alone, whatever the path, the method or the body; a 429 if there were too
    many from the same address. It raises errors of the
    database: they are not the client's, and a 401 would make the client throw a good token away.

    A browser cannot send headers with a WebSocket, so WebSockets sign in with their first message: `websocket` is the
    app that sees to it (app/graphql/sockets.py, by `socket_authorization`), and gets such connections as they are,
    without a viewer. Without it they are refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        sign_in: SignIn,
        sessions: BrowserSessions | None = None,
        websocket: ASGIApp | None = None,
    ) -> None:
        self._app = app
        self._sign_in = sign_in
        self._sessions = sessions
        self._websocket = websocket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "websocket":
            if self._websocket is None:
                challenge = (b"www-authenticate", _challenge(was_given=False))
                await refuse_websocket(scope, receive, send, Unauthenticated("No WebSocket endpoint here"), [challenge])
            else:
                await self._websocket(scope, receive, send)
            return
        if scope["type"] == "http":
            try:
                viewer = await self._viewer_of(scope)
            except (Unauthenticated, RateLimited) as error:
                await _refuse(scope, send, error)
                return
            state = scope.setdefault("state", {})
            state["viewer"], state["log"] = viewer, viewer.line
        await self._app(scope, receive, send)

    async def _viewer_of(self, scope: Scope) -> Viewer:
        """By the Authorization header; without one, by a session. A bad header never falls back on a cookie."""
        authorization = _authorization(scope["headers"])
        if authorization is None and self._sessions is not None and _takes_cookies(scope):
            viewer = await self._sessions.viewer_of(scope, header(scope, SECRET_HEADER))
            if viewer is not None:
                return viewer
        return await self._sign_in.viewer_of(authorization, network_of(scope.get("client")))


class Guard:
    """Puts the gate in front of every path that shows or takes data, including unknown paths below them.

    The cookie of a session opens /graphql and exports alone.
    """

    def __init__(
        self, app: ASGIApp, sign_in: SignIn, sessions: BrowserSessions, graphql: ASGIApp | None = None
    ) -> None:
        def to_graphql(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            """Past Starlette's routes, for what they would lead there."""
            direct = graphql if scope["method"] in ("POST", "GET", "HEAD") else None
            return (app if direct is None else direct)(scope, receive, send)

        self._open = app
        self._gate = SignInGate(app, sign_in)
        self._graphql = SignInGate(to_graphql, sign_in, sessions, websocket=app)
        self._exports = SignInGate(app, sign_in, sessions)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One connection."""
        path = scope.get("path", "")
        if path == "/graphql":
            return self._graphql(scope, receive, send)
        if scope["type"] == "http" and path.startswith("/api/export/"):
            return self._exports(scope, receive, send)
        guarded = scope["type"] == "websocket" or path.partition("/")[2].partition("/")[0] in GUARDED
        return (self._gate if guarded else self._open)(scope, receive, send)


class SocketSignIn:
    """Signs in the client of a WebSocket: by its upgrade request, its first message, or the session of our own page."""

    def __init__(self, sign_in: SignIn, sessions: BrowserSessions) -> None:
        self._sign_in = sign_in
        self._sessions = sessions

    async def __call__(self, scope: Scope, payload: dict[str, Any]) -> Viewer:
        """The viewer. Raises Unauthenticated, and RateLimited for an address that has failed too often."""
        authorization = socket_authorization(scope, payload)
        if authorization is None:
            secret = payload.get("session")
            viewer = await self._sessions.viewer_of(scope, secret if isinstance(secret, str) else None)
            if viewer is not None:
                return viewer
        return await self._sign_in.viewer_of(authorization, network_of(scope.get("client")))


def _takes_cookies(scope: Scope) -> bool:
    """Only what a form of another page cannot send: POST with a body of JSON."""
    media_type = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    return scope["method"] == "POST" and media_type == "application/json"


def viewer_in(scope: Scope) -> Viewer:
    """The viewer of a request that passed the gate; KeyError for any other."""
    viewer = scope["state"]["viewer"]
    assert isinstance(viewer, Viewer)  # nobody else writes there
    return viewer


def socket_authorization(scope: Scope, payload: Mapping[str, object]) -> str | None:
    """The Authorization of a WebSocket: of its upgrade request, or else of its first message, in either spelling."""
    given = _authorization(scope["headers"])
    if given is not None:
        return given
    said = payload.get("authorization", payload.get("Authorization"))
    if not isinstance(said, str | None):
        raise Unauthenticated("The authorization in connection_init must be a string")
    return said


def _authorization(headers: Headers) -> str | None:
    values = [value for name, value in headers if name == b"authorization"]
    if len(values) > 1:
        # A proxy in front of us may have checked the other one.
        raise Unauthenticated("More than one Authorization header")
    try:
        return values[0].decode("ascii") if values else None
    except UnicodeDecodeError:
        raise Unauthenticated("Authorization header: not ASCII") from None


async def _refuse(scope: Scope, send: Send, error: AppError) -> None:
    names = {name for name, _ in scope["headers"]}
    body = error_body(shown(error))
    accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
    headers = [
        (b"content-type", answer_type(accept).encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *((name.encode(), value.encode()) for name, value in error.headers.items()),
    ]
    if error.status == 401:
        headers.append((b"www-authenticate", _challenge(was_given=b"authorization" in names)))
    if b"expect" in names:
        # The client waits for our answer before it sends its body, and now it will not: on this connection nobody could
        # tell the next request from that body. (The server throws away a body that is already on its way.)
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _challenge(*, was_given: bool) -> bytes:
    """RFC 6750: without credentials, the client learns only the scheme."""
    return b'Bearer realm="runwatch"' + (b', error="invalid_token"' if was_given else b"")
