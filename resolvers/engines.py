"""Reads of engines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app import engines
from app.auth import Permission
from app.engines import Engine
from resolvers.context import Context


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
