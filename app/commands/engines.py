"""runwatch engine."""

from __future__ import annotations

import typer

from app import clock, engines
from app.commands.running import run
from app.commands.sealing import sealer_for_servers
from app.db import Database
from app.errors import BadInput, Conflict, NotFound
from app.server.console import console, show_table
from app.settings import Settings


def add(name: str, webhook: str | None, celery: str | None, *, replace: bool) -> None:
    """Connect an engine; prints the secret that signs its webhooks."""
    if webhook is not None and celery is not None:
        raise BadInput("Pass exactly one of --webhook and --celery")
    if celery is not None:
        from app.engines.connections import check_celery

        check_celery(celery)

    async def work(database: Database, settings: Settings) -> str | None:
        # Here and not above: it needs httpx, which the list of engines does not.
        from app.engines.connections import connect_celery, connect_webhook

        if webhook is not None:
            return await connect_webhook(
                database, await sealer_for_servers(database, settings), name, webhook, replace=replace
            )
        if celery is not None:
            await connect_celery(database, await sealer_for_servers(database, settings), name, celery, replace=replace)
        elif await engines.by_names(database, [engines.check_name(name)]):
            raise Conflict(f"Engine {name!r} exists already")
        else:
            await database.transaction(lambda tx: engines.ensure_engine(tx, name))
        return None

    secret = run(work)
    console.print(f"Added {name}", markup=False)
    if secret is not None:
        typer.echo(secret)


def rotate_secret(name: str, overlap: float) -> None:
    """Renew the secret of an engine's webhook, and print it."""

    async def work(database: Database, settings: Settings) -> str:
        from app.engines import connections

        sealer = await sealer_for_servers(database, settings)
        return await connections.rotate_secret(database, sealer, engines.check_name(name), round(overlap * clock.HOUR))

    secret = run(work)
    console.print(f"Renewed the secret of {name}", markup=False)
    typer.echo(secret)


def disconnect(name: str) -> None:
    """Take the way back of an engine away."""

    async def work(database: Database, settings: Settings) -> int:
        from app.ingestion import Ingestion
        from app.retries.disconnecting import Disconnecting

        engine = (await engines.by_names(database, [engines.check_name(name)])).get(name)
        if engine is None:
            raise NotFound(f"Engine {name!r}: no such engine")
        sealer = await sealer_for_servers(database, settings)
        disconnecting = Disconnecting(database, sealer, Ingestion(database, sealer))
        return (await disconnecting.disconnect(engine.id, None)).cancelled

    cancelled = run(work)
    console.print(f"Disconnected {name}; cancelled {cancelled} retries", markup=False)


def show_all() -> None:
    """List all engines, by name."""
    found = run(lambda database, _: engines.list_engines(database))
    rows = [[engine.id, engine.name, engine.kind, "yes" if engine.can_retry else "no"] for engine in found]
    show_table("id", "name", "kind", "can retry", rows=rows)
