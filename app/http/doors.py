"""The doors that need no sign-in: the index that names them all, and health."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.db import Database

DOORS = {
    "GET /": "this list",
    "POST /graphql": "queries; bearer token",
    "GET /graphql?query=…": "queries; bearer token",
    "POST /api/events": "what engines report, as CloudEvents; bearer token",
    "GET /health": "200 while the database answers",
}


async def index(request: Request) -> Response:
    """Name every door."""
    return _json({"runwatch": "execution history of automations, over GraphQL", "doors": DOORS})


class Health:
    """Says whether this process can serve."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, request: Request) -> Response:
        """200 when the database answers, else 503."""
        try:
            await self._database.fetch("SELECT 1")
        except Exception:
            return _json({"status": "the database does not answer"}, 503)
        return _json({"status": "ok"})


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_INDENT_2), status, media_type="application/json")
