"""Running the server: its socket, its sample data, and what it prints for the person who started it."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import typer
import uvicorn

from app.console import console, import_with_progress
from app.db import Database, open_database
from app.db.migrate import migrate
from app.dev_engine import RETRY, DevEngine
from app.dev_token import development_token
from app.errors import BadInput
from app.http.websocket import WebSocketProtocol
from app.importing import Format, Importer
from app.main import create_app
from app.sealing import Sealer
from app.secret_keys import check_keys, open_sealer
from app.settings import Settings

SAMPLE = Path(__file__).parent.parent / "examples" / "galaxy-runs.ndjson"
# After this long, connections that are still open at the end are cut.
GRACE_SECONDS = 5
# As much as POST /graphql takes by default.
MAX_MESSAGE_BYTES = 1024 * 1024
# Proxies cut connections that are silent for a minute; a client that is away is found out after twice this.
PING_SECONDS = 20.0

# Where to reach a server on the same machine that listens on all of its addresses.
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104

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
    """Serve until a signal. With `dev`: sample data in an empty database, an engine, and ready-made requests."""
    opened = listen(settings.host, settings.port)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if dev and not os.access(settings.data_dir, os.W_OK):
        raise BadInput(f"{settings.data_dir} cannot be written: choose another folder by RUNWATCH_DATA_DIR")
    sealer = open_sealer(settings)
    if applied := await migrate(settings.url_of_database):
        console.print(f"Database is up to date ({', '.join(applied)} applied)")
    database = await open_database(settings.url_of_database)
    config = uvicorn.Config(
        create_app(settings, database, sealer),
        http="httptools",
        ws=WebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # 3 to 5 times the CPU of a message
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    engine = DevEngine(settings, database, sealer)
    try:
        await check_keys(database, sealer)
        if dev:
            await _greet(settings, database, sealer, engine, opened.getsockname()[1])
    except BaseException:
        await engine.stop()
        await database.close()
        raise
    await _Server(config, engine).serve(sockets=[opened])


class _Server(uvicorn.Server):
    """Ends the engine before itself, so that its runs end for those who read them, too."""

    def __init__(self, config: uvicorn.Config, engine: DevEngine) -> None:
        super().__init__(config)
        self._engine = engine

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._engine.stop()
        await super().shutdown(sockets)


async def _greet(settings: Settings, database: Database, sealer: Sealer, engine: DevEngine, port: int) -> None:
    if not await database.fetch("SELECT 1 FROM executions LIMIT 1"):
        report = await import_with_progress(
            Importer(database, sealer, SAMPLE, Format.GALAXY, settings.data_dir / "imports"), SAMPLE, shift_to_now=True
        )
        console.print(
            f"Imported {report.accepted} events of real Galaxy runs, moved by {report.shift_us / 86_400e6:.0f} days"
            " so that the newest ends now"
        )
    token = await development_token(database, settings.data_dir)
    address = f"http://{_in_url(settings.host)}:{port}"
    # On standard output and unwrapped: made to be copied, by people and by scripts.
    typer.echo(f"\nRunwatch is at {address} (GET / names every door; Ctrl-C stops it). Try:\n")
    typer.echo(_curl(address, token, QUERY))
    if await engine.start(f"http://{_in_url(LOOPBACK.get(settings.host, settings.host))}:{port}"):
        typer.echo(
            f'An example engine runs beside it; its log is {engine.log}. Its workflow "import orders" fails until its'
            f" input is mended. Mend it, then retry the newest failure:\n\n{engine.fix}\n{_curl(address, token, RETRY)}"
        )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _curl(address: str, token: str, document: str) -> str:
    return (
        f"curl -s {address}/graphql \\\n"
        f"  -H 'Authorization: Bearer {token}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f'  -d \'{{"query": "{document}"}}\'\n'
    )
