"""The command line: runwatch serve, migrate, prune, import, token, engine, secret, metrics, export-schema."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Annotated, TypeVar

import asyncpg
import pydantic
import typer
import uvloop
from rich.table import Column

from app import clock, engines
from app.auth import Role, tokens
from app.db import Database, open_database
from app.db.migrate import migrate as migrate_database
from app.engines.connections import connect_celery, connect_webhook
from app.errors import AppError, BadInput, Conflict
from app.importing import Format, Importer
from app.metrics.rebuilding import rebuild
from app.pruning import prune
from app.secrets.rotation import rotate
from app.secrets.sealing import new_key
from app.server.console import console, import_with_progress, show_table
from app.server.keys import check_keys, open_sealer
from app.server.logging import configure_logging, log_unraisable
from app.settings import Settings

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
token_app = typer.Typer(no_args_is_help=True, help="Manage the tokens that people and engines sign in with.")
engine_app = typer.Typer(no_args_is_help=True, help="Manage engines and how retries reach them.")
app.add_typer(token_app, name="token")
secret_app = typer.Typer(no_args_is_help=True, help="Manage the keys that encrypt secrets in payloads.")
app.add_typer(engine_app, name="engine")
app.add_typer(secret_app, name="secret")
metrics_app = typer.Typer(no_args_is_help=True, help="Check and correct the rollups behind figures.")
app.add_typer(metrics_app, name="metrics")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"runwatch {metadata.version('runwatch')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Watches the runs of automations."""


def main() -> None:
    """The entry point: expected failures end with their message and exit code 1."""
    sys.unraisablehook = log_unraisable
    try:
        app()
    except AppError as error:
        _fail(error.message)
    except pydantic.ValidationError as error:
        for problem in error.errors():
            name = "".join(str(part) for part in problem["loc"][:1]).upper()
            said = problem["msg"].removeprefix("Value error, ")
            console.print(f"RUNWATCH_{name}: {said}" if name else said, style="red", markup=False)
        sys.exit(1)
    except (ConnectionError, socket.gaierror) as error:
        _fail(f"The database at RUNWATCH_DATABASE_URL does not answer: {error}")
    except asyncpg.PostgresError as error:
        _fail(f"The database at RUNWATCH_DATABASE_URL refused the connection: {error}")
    except OSError as error:
        _fail(str(error))


def _fail(message: str) -> None:
    console.print(message, style="red", markup=False)
    sys.exit(1)


def _run(work: Callable[[Database, Settings], Awaitable[T]]) -> T:
    """Run `work` on the migrated database of the settings."""
    settings = Settings()
    configure_logging(settings)

    async def run() -> T:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await migrate_database(settings.url_of_database)
        database = await open_database(settings.url_of_database)
        try:
            return await work(database, settings)
        finally:
            await database.close()

    return asyncio.run(run())


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Defaults to RUNWATCH_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. Defaults to RUNWATCH_PORT.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of server processes. Defaults to RUNWATCH_WORKERS.")
    ] = None,
    dev: Annotated[
        bool,
        typer.Option(
            "--dev", help="Import sample runs into an empty database, start an example engine, print requests to try."
        ),
    ] = False,
) -> None:
    """Serve GraphQL and the events door; migrates the database first."""
    options = {"host": host, "port": port, "workers": workers}
    given = {name: value for name, value in options.items() if value is not None}
    settings = Settings.model_validate({**Settings().model_dump(), **given})
    configure_logging(settings)
    if settings.workers > 1:
        if dev:
            raise BadInput("--dev runs one process: pass --workers 1, or unset RUNWATCH_WORKERS")
        import app.server.supervisor as several

        asyncio.run(several.serve(settings))
        return
    # Here and not above: the server and its schema take most of a second to import, which no other command needs.
    import app.server.serving as serving

    try:
        uvloop.run(serving.serve(settings, dev=dev))
    except KeyboardInterrupt:
        console.print("Stopped")


@app.command(hidden=True)
def worker(listening: int, channel: int) -> None:
    """Run one process of `serve --workers`, which starts it with two file descriptors."""
    import app.server.worker as one

    one.run(listening, channel)


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date. Safe to run from several processes at once."""
    settings = Settings()
    configure_logging(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    applied = asyncio.run(migrate_database(settings.url_of_database))
    console.print(f"Applied {', '.join(applied)}" if applied else "Nothing to apply")


@app.command("prune")
def prune_(
    older_than: Annotated[
        float, typer.Option(help="Delete runs that were queued more than this many days ago.", min=0, max=36_525)
    ],
) -> None:
    """Delete finished runs that are older, in batches. Safe while the server runs."""
    before = clock.now_us() - round(older_than * clock.DAY)
    deleted = _run(lambda database, settings: prune(database, before, keep_metrics=settings.prune_keeps_metrics))
    console.print(f"Deleted {deleted} executions")


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="File with one event or run per line.")
    ],
    format_: Annotated[Format, typer.Option("--format", help="Format of a line.")] = Format.CLOUDEVENTS,
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="Shift all times so that the newest is now (galaxy only).")
    ] = False,
) -> None:
    """Import runs from a file. An interrupted import continues where it stopped."""

    async def work(database: Database, settings: Settings) -> int:
        sealer = open_sealer(settings)
        await check_keys(database, sealer)
        importer = Importer(database, sealer, file, format_, settings.data_dir / "imports")
        report = await import_with_progress(importer, file, shift_to_now=shift_to_now)
        for line, reason in report.rejected[:20]:
            console.print(f"Line {line} rejected: {reason}", style="yellow", markup=False)
        if len(report.rejected) > 20:
            console.print(f"… and {len(report.rejected) - 20} more", style="yellow")
        if report.skipped_lines:
            console.print(f"Skipped {report.skipped_lines} lines that were imported before")
        if report.shift_us:
            console.print(f"Shifted all times by {report.shift_us / 86_400e6:.3f} days")
        console.print(f"{report.accepted} events accepted, {len(report.rejected)} rejected")
        return 1 if report.rejected else 0

    raise typer.Exit(_run(work))


@token_app.command("create")
def token_create(
    role: Annotated[str, typer.Option(help="Role: admin, viewer or runner.")],
    name: Annotated[str, typer.Option(help="Name for lists and logs.")],
    engine: Annotated[
        str | None, typer.Option(help="Engine whose events the token may report. Only for the role runner.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="Days until the token expires. Defaults to never.")] = None,
) -> None:
    """Create a token and print it. Runwatch cannot show it again."""
    if role.upper() not in Role.__members__:
        raise BadInput(f"--role: {role!r} is not admin, viewer or runner")
    if days is not None and not 0 < days <= tokens.MAX_LIFETIME.days:  # NaN too, which no timedelta accepts
        raise BadInput(f"--days: must be more than 0 and at most {tokens.MAX_LIFETIME.days}")
    lifetime = None if days is None else timedelta(days=days)
    secret, _ = _run(lambda database, _: tokens.create_token(database, name, Role[role.upper()], engine, lifetime))
    typer.echo(secret)


@token_app.command("list")
def token_list() -> None:
    """List all tokens, newest first."""
    rows = []
    for token in _run(lambda database, _: tokens.list_tokens(database)):
        times = (token.expires_at, token.last_used_at, token.revoked_at)
        shown = ["" if time is None else clock.to_rfc3339(time) for time in times]
        rows.append([token.id, token.prefix, token.name, token.role, token.engine or "", *shown])
    prefix = Column("prefix", no_wrap=True)
    show_table("id", prefix, "name", "role", "engine", "expires", "last used", "revoked", rows=rows)


@token_app.command("revoke")
def token_revoke(which: Annotated[str, typer.Argument(help="Id, prefix or name of the token.")]) -> None:
    """Revoke a token. It stops working at once."""
    token = _run(lambda database, _: tokens.revoke_token(database, which))
    console.print(f"Revoked {token.prefix} ({token.name})", markup=False)


@engine_app.command("add")
def engine_add(
    name: Annotated[str, typer.Argument(help="Name of the engine: the source of its events.")],
    webhook: Annotated[str | None, typer.Option(help="URL that receives retries by POST.")] = None,
    celery: Annotated[str | None, typer.Option(help="URL of the broker of the engine's Celery workers.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the engine's webhook or broker.")] = False,
) -> None:
    """Connect an engine: set the webhook or broker that its retries go to. Prints the secret that signs webhooks.

    Engines register themselves with their first event, without a webhook or broker.
    """
    if webhook is not None and celery is not None:
        raise BadInput("Pass exactly one of --webhook and --celery")

    async def work(database: Database, settings: Settings) -> str | None:
        if webhook is not None:
            return await connect_webhook(database, open_sealer(settings), name, webhook, replace=replace)
        if celery is not None:
            await connect_celery(database, open_sealer(settings), name, celery, replace=replace)
        elif await engines.by_names(database, [engines.check_name(name)]):
            raise Conflict(f"Engine {name!r} exists already")
        else:
            await database.transaction(lambda tx: engines.ensure_engine(tx, name))
        return None

    secret = _run(work)
    console.print(f"Added {name}", markup=False)
    if secret is not None:
        typer.echo(secret)


@engine_app.command("list")
def engine_list() -> None:
    """List all engines, by name."""
    found = _run(lambda database, _: engines.list_engines(database))
    rows = [[engine.id, engine.name, engine.kind, "yes" if engine.can_retry else "no"] for engine in found]
    show_table("id", "name", "kind", "can retry", rows=rows)


@secret_app.command("new-key")
def secret_new_key() -> None:
    """Print a new key for RUNWATCH_SECRET_KEY."""
    typer.echo(new_key())


@secret_app.command("rotate")
def secret_rotate() -> None:
    """Encrypt everything again with the first key of RUNWATCH_SECRET_KEY, so that you can drop the others."""
    rotated, unreadable = _run(lambda database, settings: rotate(database, open_sealer(settings)))
    console.print(f"Encrypted {rotated} values with the first key")
    if unreadable:
        console.print(f"No key opens {unreadable} values", style="yellow")
        raise typer.Exit(1)


@metrics_app.command("rebuild")
def metrics_rebuild(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit with 1 if a row differs.")] = False,
) -> None:
    """Compute the rollups from the runs and correct what differs. Safe while the server runs."""
    differing = _run(lambda database, _: rebuild(database, fix=not check))
    console.print(f"{differing} rows differed")
    if check and differing:
        raise typer.Exit(1)


@app.command("export-schema")
def export_schema(
    path: Annotated[Path, typer.Option(help="File to write.")] = Path("schema.graphql"),
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit with 1 if the file is stale.")] = False,
    allow_breaking: Annotated[bool, typer.Option(help="Write the file even if the change breaks clients.")] = False,
) -> None:
    """Write the GraphQL schema to a file, unless the change breaks clients."""
    from schema import published

    if check:
        published.check_schema(path)
    else:
        published.write_schema(path, allow_breaking=allow_breaking)


if __name__ == "__main__":
    main()
