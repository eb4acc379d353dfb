"""runwatch migrate."""

from __future__ import annotations

import asyncio

from app.commands.running import prepared
from app.db.migrate import migrate as migrate_database
from app.server.console import console


def migrate() -> None:
    """Bring the schema up to date, and say what was applied."""
    applied = asyncio.run(migrate_database(prepared().url_of_migrations))
    console.print(f"Applied {', '.join(applied)}" if applied else "Nothing to apply")
