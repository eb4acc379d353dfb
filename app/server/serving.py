"""Running the server: its socket, its sample data, and what it prints for the person who started it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import typer
import uvicorn

from app.auth.codes import new_code
from app.auth.tokens import check_token
from app.db import Database, open_database
from app.delivery.page_links import local_address, sign_in_link
from app.errors import BadInput
from app.importing import Format, Importer
from app.main import create_app
from app.monitor.slots import Slots
from app.secrets.sealing import Sealer
from app.server.admission import Admission, Admitted
from app.server.descriptors import raise_limit
from app.server.dev_engine import RETRY, DevEngine
from app.server.dev_token import development_token
from app.server.garbage import IdleCollection
from app.server.http_protocol import Arriving, HttpProtocol
from app.server.keys import open_sealer, sealer_of
from app.server.startup import listen, prepare
from app.server.tracing import traced
from app.server.websocket_protocol import WebSocketProtocol
from app.settings import Settings

SAMPLE = Path(__file__).parents[2] / "examples" / "galaxy-runs.ndjson"
# At the end, connections that are still open after this long are cut.
GRACE_SECONDS = 5
# As much as POST /graphql accepts by default.
MAX_MESSAGE_BYTES = 1024 * 1024
# Longer than the minute for which proxies and pools of clients keep an idle connection: a request on one that is just
# being closed fails.
KEPT_SECONDS = 75
# Proxies cut connections that are silent for a minute. A client that is gone is found after twice this.
PING_SECONDS = 20.0

QUERY = "{ executions(first: 5) { totalCount { value kind } nodes { workflowName status queuedAt durationMs } } }"


async def serve(settings: Settings, *, dev: bool) -> None:
    """Serve until a signal. With `dev`: sample data in an empty database, an engine, and ready-made requests."""
    if dev and not SAMPLE.is_file():
        raise BadInput(
            "--dev works only in a checkout of Runwatch's source: it needs the sample and the engine in examples/"
        )
    raise_limit(settings)
    async with AsyncExitStack() as stack:
        opened = stack.enter_context(listen(settings.host, settings.port))
        await prepare(settings, writable=dev)
        database = await _open_database(settings, stack)
        sealer = await sealer_of(database, settings)
        engine = DevEngine(settings, database, sealer)
        stack.push_async_callback(engine.close)
        config = _config(settings, database, sealer, Slots(), stack)
        if dev:
            await _greet(settings, database, sealer, engine, opened.getsockname()[1])
        scraped = [stack.enter_context(listen(*at))] if (at := settings.metrics_address) else []
        await _Server(config, close_first=engine.close).serve(sockets=[opened, *scraped])


async def serve_on(
    sockets: Sequence[socket.socket], settings: Settings, slots: Slots, ready: Callable[[], None]
) -> None:
    """Serve until a signal, as one of several processes, when all is prepared. Calls `ready` once it serves."""
    sealer = open_sealer(settings)
    async with AsyncExitStack() as stack:
        database = await _open_database(settings, stack)
        await _Server(_config(settings, database, sealer, slots, stack), ready=ready).serve(sockets=list(sockets))


async def _open_database(settings: Settings, stack: AsyncExitStack) -> Database:
    """Open the database. The application closes it; the stack does if none runs: its threads would keep the process."""
    database = await open_database(
        settings.url_of_database,
        sqlite_synchronous=settings.sqlite_synchronous,
        answer_seconds=settings.database_answer_seconds,
    )
    stack.push_async_callback(database.close)
    return database


def _config(
    settings: Settings, database: Database, sealer: Sealer, slots: Slots, stack: AsyncExitStack
) -> uvicorn.Config:
    arriving = Arriving(
        settings.max_head_seconds,
        settings.max_body_seconds,
        events=Admission.of_events(settings.max_event_bodies),
        graphql=Admission.of_graphql(settings.max_graphql_bodies),
    )
    return uvicorn.Config(
        Admitted(traced(create_app(settings, database, sealer, slots), stack)),
        http=partial(HttpProtocol, arriving=arriving),  # type: ignore[arg-type]
        ws=WebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # 3 to 5 times the CPU of a message
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        loop="uvloop",
        lifespan="on",
        proxy_headers=False,  # it would believe any program on this machine; app/http/proxies.py
        log_config=None,
        access_log=False,
        server_header=False,
        headers=[("x-content-type-options", "nosniff")],
        timeout_keep_alive=KEPT_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


async def _nothing() -> None:
    """Close nothing first."""


# Seconds that a thread of Python's keeps the others waiting. By default 5 ms: while one parses a long document, a query
# whose reads change threads twenty times would wait for 0.1 s.
SWITCH_SECONDS = 0.001


class _Server(uvicorn.Server):
    """Reports when it serves, and closes the engine before itself, so that readers see the engine's runs end too."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        close_first: Callable[[], Awaitable[None]] = _nothing,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._close_first = close_first
        self._ready = ready
        self._collection = IdleCollection()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        await super().startup(sockets)
        await self._collection.start()
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await self._close_first()
        finally:
            await self._collection.close()
            await super().shutdown(sockets)


async def _greet(settings: Settings, database: Database, sealer: Sealer, engine: DevEngine, port: int) -> None:
    if not await database.fetch("SELECT 1 FROM executions LIMIT 1"):
        # Here and not above: rich takes a tenth of a second of CPU to import.
        from app.server.console import console, import_with_progress

        report = await import_with_progress(
            Importer(database, sealer, SAMPLE, Format.GALAXY, settings.data_dir / "imports"), SAMPLE, shift_to_now=True
        )
        console.print(
            f"Imported {report.accepted} events of real Galaxy runs, shifted by {report.shift_us / 86_400e6:.0f} days"
            " so that the newest ends now"
        )
    token = await development_token(database, settings.data_dir)
    address = local_address(settings.host, port)
    code = await new_code(database, await check_token(database, token))
    # On standard output and unwrapped: made to be copied, by people and by scripts.
    typer.echo(
        f"\nOpen this link in a browser; it signs in once, within 10 minutes:\n\n{sign_in_link(address, code)}\n"
    )
    other = "" if address == local_address("127.0.0.1", 8000) else f" --host {settings.host} --port {port}"
    typer.echo(f"For another link, another browser or another day: ./dev link{other}\n")
    typer.echo(f"Runwatch is at {address} (GET / lists every endpoint; Ctrl-C stops it). Try:\n")
    typer.echo(_curl(address, token, QUERY))
    if await engine.start(address):
        typer.echo(
            f'An example engine runs beside it and logs to {engine.log}. Its workflow "import orders" fails until'
            f" you repair its input. Repair it, then retry the newest failure:\n\n{engine.fix}\n"
            f"{_curl(address, token, RETRY)}"
        )


def _curl(address: str, token: str, document: str) -> str:
    return (
        f"curl -s {address}/graphql \\\n"
        f"  -H 'Authorization: Bearer {token}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f'  -d \'{{"query": "{document}"}}\'\n'
    )
