"""How the databases would run a statement."""

from __future__ import annotations

import asyncpg

from app.db import Database

Statement = tuple[str, tuple[object, ...]]


async def postgres_plans(connection: asyncpg.Connection, statement: Statement) -> list[str]:
    """The plan of a statement whose parameters Postgres knows, and of one whose it does not, as from the sixth on."""
    sql, params = statement
    await connection.execute(f"PREPARE it AS {sql}")
    plans = []
    for mode in ("force_custom_plan", "force_generic_plan"):
        await connection.execute(f"SET plan_cache_mode = {mode}")
        given = f"({', '.join(map(_literal, params))})" if params else ""
        lines = await connection.fetch(f"EXPLAIN EXECUTE it {given}")
        plans.append("\n".join(line[0] for line in lines))
    await connection.execute("DEALLOCATE it")
    return plans


async def sqlite_plan(database: Database, statement: Statement) -> str:
    """The plan of a statement."""
    sql, params = statement
    return "\n".join(row[3] for row in await database.fetch(f"EXPLAIN QUERY PLAN {sql}", *params))


def _literal(value: object) -> str:
    if isinstance(value, list):
        return "'{" + ",".join(map(str, value)) + "}'"
    return f"'{value}'"
