"""Migrations as Tortoise runs them: apart, because only a database that is behind needs Tortoise."""

from __future__ import annotations

from tortoise import Tortoise
from tortoise.migrations.api.migrate import migrate

from app.db.config import tortoise_config


async def run(url: str) -> list[str]:
    """Apply what is missing; the names of the migrations that were applied."""
    applied: list[str] = []

    def note(event: str, app_label: str, name: str) -> None:
        if event == "apply_done":
            applied.append(name)

    try:
        await migrate(config=tortoise_config(url), progress=note)
    finally:
        await Tortoise.close_connections()
    return applied
