"""Reads about the server."""

from __future__ import annotations

import strawberry

from resolvers import server as server_resolvers
from schema.context import Info
from schema.server import Server


@strawberry.field(description="The server that answers: its version, its page, its clock, how long it keeps runs.")
def server(info: Info) -> Server | None:
    """Without a read."""
    return Server.of(server_resolvers.about(info.context))
