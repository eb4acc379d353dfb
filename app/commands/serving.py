"""runwatch serve, and the worker processes that it starts."""

from __future__ import annotations

import asyncio

import uvloop

from app.commands import configuration
from app.commands.running import imported, warn_of
from app.errors import BadInput
from app.server import supervisor
from app.server.logging import configure_logging


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
        asyncio.run(supervisor.serve(settings))
        return
    # Here and not above: the parent of several workers serves nothing, and never imports the schema.
    from app.server import serving

    imported()
    try:
        uvloop.run(serving.serve(settings, dev=dev))
    except KeyboardInterrupt:
        from app.server.console import console  # rich takes 0.1 s of CPU to import

        console.print("Stopped")


def work(listening: int, link: int, numbers: int, place: int, scraped: int | None) -> None:
    """Be one of the processes of `serve --workers`."""
    from app.server import worker

    imported()
    worker.run(listening, link, numbers, place, scraped)
