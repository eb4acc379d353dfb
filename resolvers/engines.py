"""Engines: everybody reads them, administrators connect them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app import engines
from app.auth import Permission
from app.engines import Engine, issues
from app.engines.issues import EngineClient
from app.paging import PageRequest
from app.retries.connecting import Connected, NewWayBack, Reached, Rotation
from app.retries.disconnecting import Disconnected
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import CountedList, read_list


async def list_engines(context: Context) -> list[Engine]:
    """All engines, by name."""
    context.require(Permission.READ)
    return await engines.list_engines(context.database)


async def find_engine(context: Context, id_: str) -> Engine | None:
    """One engine; None for an unknown id."""
    context.require(Permission.READ)
    return await context.loaders.engines.load(id_)


async def find_engines(context: Context, ids: Iterable[str]) -> Mapping[str, Engine | None]:
    """Several engines, by id."""
    context.require(Permission.READ)
    return await context.loaders.engines.load_all(ids)


async def clients_of(context: Context, engine_id: str) -> list[EngineClient]:
    """What sends the events of an engine."""
    context.require(Permission.READ)
    return await context.loaders.engine_clients.load(engine_id) or []


async def issue_count(context: Context, engine_id: str) -> int:
    """How many issues an engine has."""
    context.require(Permission.READ)
    return await context.loaders.engine_issue_counts.load(engine_id) or 0


async def list_issues(
    context: Context, engine_id: Argument[str], request: Argument[PageRequest]
) -> CountedList[issues.Issue]:
    """A page of what was rejected or corrected of an engine's events, those seen last first."""
    context.require(Permission.READ)
    database, id_, given = context.database, engine_id(), request()
    return await read_list(
        context, given, lambda: issues.list_page(database, id_, given), lambda: issues.count(database, id_)
    )


async def connect_engine(context: Context, wanted: Argument[NewWayBack]) -> Connected:
    """Connect an engine; what signs its webhooks."""
    context.require(Permission.MANAGE_ENGINES)
    return await context.connecting.connect(context.viewer.name, wanted())


async def disconnect_engine(context: Context, id_: Argument[str]) -> Disconnected:
    """Take the way back of an engine away."""
    context.require(Permission.MANAGE_ENGINES)
    return await context.disconnecting.disconnect(id_(), context.viewer.name)


async def rotate_secret(context: Context, rotation: Argument[Rotation]) -> Connected:
    """Give the webhook of an engine another secret; both sign for a while."""
    context.require(Permission.MANAGE_ENGINES)
    return await context.connecting.rotate(context.viewer.name, rotation())


async def test_engine(context: Context, id_: Argument[str]) -> Reached:
    """See whether the way back to an engine can be reached."""
    context.require(Permission.MANAGE_ENGINES)
    return await context.connecting.test(context.viewer.name, id_())
