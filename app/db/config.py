"""Tortoise's configuration: the database, its connection settings, and where models and migrations are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tortoise.backends.base.config_generator import expand_db_url
from tortoise.exceptions import ConfigurationError

from app.errors import BadInput

MODULES = {"app": {"models": ["app.models"], "default_connection": "default", "migrations": "app.migrations"}}

# How long to wait for another process's write transaction: writes take milliseconds, a migration seconds.
SQLITE_BUSY_MS = 15_000
SQLITE_PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "NORMAL",
    "busy_timeout": SQLITE_BUSY_MS,
    "foreign_keys": "ON",
    "secure_delete": "ON",  # a secret that is masked late must not stay in the free space of its page
    "journal_size_limit": 64 * 1024 * 1024,
    "cache_size": -64 * 1024,  # KiB
    "temp_store": "MEMORY",
}


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///path` URL: absolute with four slashes, relative with three."""
    path = url.removeprefix("sqlite:").removeprefix("//").split("?", 1)[0]
    path = path[1:] if path.startswith("/") else path
    if not path or ":memory:" in path:
        raise BadInput(f"{url!r}: not a file; several connections share the database, so it must be one")
    return Path(path)


def connection_config(url: str) -> dict[str, Any]:
    """The `connections.default` entry for a database URL; BadInput for an unknown kind of database."""
    if url.startswith("sqlite:"):
        return {
            "engine": "tortoise.backends.sqlite",
            "credentials": {"file_path": str(sqlite_path(url)), **SQLITE_PRAGMAS},
        }
    if not url.startswith(("postgres://", "postgresql://")):
        raise BadInput("RUNWATCH_DATABASE_URL: must start with sqlite:/// or postgres://")
    try:
        config: dict[str, Any] = expand_db_url(url.replace("postgresql://", "postgres://", 1))
    except (ConfigurationError, ValueError):
        raise BadInput("RUNWATCH_DATABASE_URL: malformed, or invalid port") from None
    return {"engine": "tortoise.backends.asyncpg", "credentials": config["credentials"]}


def tortoise_config(connection: dict[str, Any]) -> dict[str, Any]:
    """The whole configuration around one connection."""
    return {"connections": {"default": connection}, "apps": MODULES, "use_tz": True, "timezone": "UTC"}
