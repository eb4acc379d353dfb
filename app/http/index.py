"""The index of all doors, which needs no sign-in."""

from __future__ import annotations

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.asgi.answers import error_body
from app.asgi.media_types import JSON
from app.delivery.page_links import HISTORY
from app.errors import AppError, MethodNotAllowed, NotFound, shown

DOORS = {
    "GET /": "this list; for a browser, the page",
    "GET /admin/automations/history": "the page: what ran, and what failed",
    "GET /graphiql": "GraphiQL: write and run queries",
    "GET /session": "how a browser can sign in besides a token",
    "POST /session": "sign-in of a browser, with a token or a one-time code; PATCH goes on, DELETE signs out",
    "POST /graphql": "queries and mutations; needs a bearer token",
    "GET /graphql?query=…": "queries; needs a bearer token",
    "WebSocket /graphql": "the same and subscriptions, over graphql-transport-ws; needs a bearer token",
    "POST /api/events": "events of engines, as CloudEvents; needs a bearer token",
    "GET /metrics": "numbers of this server, for Prometheus; needs a bearer token",
    "GET /health": "200 while the server can do its work, else 503",
    "GET /health/live": "200 while the process does anything at all",
    "GET /health/ready": "as /health, with all reasons why not",
}


async def index(request: Request) -> Response:
    """List every door. A browser, which asks for HTML, is led to the page."""
    if "text/html" in request.headers.get("accept", "").lower():
        return RedirectResponse(HISTORY, 303, {"vary": "Accept"})
    return _json({"runwatch": "execution history of automations, over GraphQL", "doors": DOORS})


def refuse_unknown(request: Request, error: Exception) -> Response:
    """Answers what no route takes: with a coded error, as everywhere else."""
    assert isinstance(error, HTTPException)
    refusal: AppError
    if error.status_code == NotFound.status:
        refusal = NotFound(f"Nothing is served at {request.url.path}; GET / lists every endpoint")
    else:
        refusal = MethodNotAllowed(f"{request.method} is not allowed here; GET / lists every endpoint")
    body = error_body(shown(refusal), indented=True)
    return Response(body, error.status_code, error.headers, media_type=JSON)


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_INDENT_2), status, media_type=JSON)
