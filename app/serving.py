"""Running the server: its socket, its sample data, and what it prints for the person who started it."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import typer
import uvicorn

from app.console import console, import_with_progress
from app.db import Database, open_database
from app.db.migrate import migrate
from app.dev_token import development_token
from app.errors import BadInput
from app.importing import Format, Importer
from app.main import create_app
from app.sealing import Sealer
from app.secret_keys import check_keys, open_sealer
from app.settings import Settings

SAMPLE = Path(__file__).parent.parent / "examples" / "galaxy-runs.ndjson"
# After this long, connections that are still open at the end are cut.
GRACE_SECONDS = 5

QUERY = "{ executions(first: 5) { totalCount { value kind } nodes { workflowName status queuedAt durationMs } } }"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; BadInput when the address is taken or is none of this machine's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With the protocol named: asyncio switches Nagle's delay off only for sockets that say they are TCP.
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadInput(f"Port {port} is in use on {host}: stop what uses it, or choose another by --port") from None
        raise BadInput(f"Cannot listen on {host}:{port}: {error.strerror or error}") from None
    return opened


async def serve(settings: Settings, *, dev: bool) -> None:
    """Serve until a signal. With `dev`: sample data in an empty database, and a ready-made request on the screen."""
    opened = listen(settings.host, settings.port)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    sealer = open_sealer(settings)
    if applied := await migrate(settings.url_of_database):
        console.print(f"Database is up to date ({', '.join(applied)} applied)")
    database = await open_database(settings.url_of_database)
    config = uvicorn.Config(
        create_app(settings, database, sealer),
        http="httptools",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    try:
        await check_keys(database, sealer)
        if dev:
            await _greet(settings, database, sealer, opened.getsockname()[1])
    except BaseException:
        await database.close()
        raise
    await uvicorn.Server(config).serve(sockets=[opened])


async def _greet(settings: Settings, database: Database, sealer: Sealer, port: int) -> None:
    if not await database.fetch("SELECT 1 FROM executions LIMIT 1"):
        report = await import_with_progress(
            Importer(database, sealer, SAMPLE, Format.GALAXY, settings.data_dir / "imports"), SAMPLE, shift_to_now=True
        )
        console.print(
            f"Imported {report.accepted} events of real Galaxy runs, moved by {report.shift_us / 86_400e6:.0f} days"
            " so that the newest ends now"
        )
    token = await development_token(database, settings.data_dir)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{port}"
    # On standard output and unwrapped: made to be copied, by people and by scripts.
    typer.echo(
        f"\nRunwatch is at {address} (GET / names every door; Ctrl-C stops it). Try:\n\n"
        f"curl -s {address}/graphql \\\n"
        f"  -H 'Authorization: Bearer {token}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f'  -d \'{{"query": "{QUERY}"}}\'\n'
    )
