"""runwatch serve, and the worker processes that it starts."""

from __future__ import annotations

import asyncio
import faulthandler
from collections.abc import Coroutine

import uvloop

from app.commands import configuration
from app.commands.running import imported, warn_of
from app.errors import BadInput
from app.server import supervisor
from app.server.logging import configure_logging

# For the end of a process whose server has closed: it takes 0.2 s, unless a thread does not end.
LAST_SECONDS = 5.0
STDERR = 2


def serve(*, dev: bool, **given: str | int | None) -> None:
    """Serve until a signal, with these settings where they are not None."""
    found = configuration.read(**{name: value for name, value in given.items() if value is not None})
    settings = found.settings
    configure_logging(settings)
    warn_of(found.unknown)
    if settings.workers > 1:
        if dev:
            raise BadInput("--dev runs one process: pass --workers 1, or unset RUNWATCH_WORKERS")
        imported()
        asyncio.run(_to_the_end(supervisor.serve(settings)))
        return
    # Here and not above: the parent of several workers serves nothing, and never imports the schema.
    from app.server import serving

    imported()
    try:
        uvloop.run(_to_the_end(serving.serve(settings, dev=dev)))
    except KeyboardInterrupt:
        from app.server.console import console  # rich takes 0.1 s of CPU to import

        console.print("Stopped")


async def _to_the_end(served: Coroutine[None, None, None]) -> None:
    """Serve. The process ends soon after that: what would keep it is told by its stacks, and left."""
    try:
        await served
    finally:
        faulthandler.dump_traceback_later(LAST_SECONDS, exit=True, file=STDERR)


def work(listening: int, link: int, numbers: int, place: int, scraped: int | None) -> None:
    """Be one of the processes of `serve --workers`."""
    from app.server import worker

    imported()
    worker.run(listening, link, numbers, place, scraped)
