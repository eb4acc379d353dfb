"""What commands have in common: settings, logging, and work on a migrated database."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from app.commands import configuration
from app.db import Database, open_database
from app.db.migrate import migrate
from app.log import before_first_line, get_logger
from app.server.data_folder import make_data_folder
from app.settings import Settings

T = TypeVar("T")


def imported() -> None:
    """Collect garbage from here on, but never among what is there by now: it stays (runwatch/__init__.py)."""
    gc.freeze()
    gc.enable()


def warn_of(unknown: Sequence[str]) -> None:
    """Log which variables nobody reads: perhaps somebody believes that they say something."""
    if unknown:
        get_logger(__name__).warning("unknown_settings", names=", ".join(unknown))


def prepared() -> Settings:
    """The settings, with the data folder made; logging is configured by the first line, which most never write."""
    found = configuration.read()
    settings = found.settings

    def configure() -> None:
        from app.server.logging import configure_logging

        configure_logging(settings)

    before_first_line(configure, settings.log_level)
    warn_of(found.unknown)
    make_data_folder(settings.data_dir)
    imported()
    return settings


def run(work: Callable[[Database, Settings], Awaitable[T]]) -> T:
    """Run `work` on the migrated database of the settings."""
    settings = prepared()

    async def with_database() -> T:
        await migrate(settings.url_of_migrations)
        database = await open_database(settings.url_of_database, sqlite_synchronous=settings.sqlite_synchronous)
        try:
            return await work(database, settings)
        finally:
            await database.close()

    return asyncio.run(with_database())
