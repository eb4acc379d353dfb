"""The database's connection settings, and Tortoise's configuration: models and migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from app.errors import BadInput

MODULES = {"app": {"models": ["app.db.models"], "default_connection": "default", "migrations": "app.migrations"}}

# How long to wait for another process's write transaction: writes take milliseconds, a migration seconds.
SQLITE_BUSY_MS = 15_000
# The same for who opens the file: a command is to say soon why it cannot.
SQLITE_OPEN_SECONDS = 5.0
SQLITE_PRAGMAS: dict[str, Any] = {
    "auto_vacuum": "INCREMENTAL",  # of a file that is made with it: retention gives free pages back (app/db/space.py)
    "journal_mode": "WAL",
    "synchronous": "FULL",  # a commit is on disk when it returns; NORMAL syncs at checkpoints only
    "fullfsync": "ON",  # macOS: what fsync does elsewhere
    "busy_timeout": SQLITE_BUSY_MS,
    "foreign_keys": "ON",
    "secure_delete": "ON",  # a secret that is masked late must not stay in the free space of its page
    "journal_size_limit": 64 * 1024 * 1024,
    "cache_size": -64 * 1024,  # KiB
    "temp_store": "MEMORY",
}

# To connect to Postgres. Whoever waits for a read is told within 6 s that there is none.
CONNECT_SECONDS = 4

# Of a migration.
MIGRATING = {"lock_timeout": "15s"}

# The options after a Postgres URL's question mark that asyncpg does not take as text.
POSTGRES_OPTIONS = {
    "max_cacheable_statement_size": int,
    "max_cached_statement_lifetime": int,
    "max_inactive_connection_lifetime": float,
    "max_queries": int,
    "ssl": bool,
    "statement_cache_size": int,
    "timeout": int,
}


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///path` URL: absolute with four slashes, relative with three."""
    path = url.removeprefix("sqlite:").removeprefix("//").split("?", 1)[0]
    path = path[1:] if path.startswith("/") else path
    if not path or ":memory:" in path:
        raise BadInput(f"{url!r}: not a file; several connections share the database, so it must be one")
    return Path(path)


def postgres_credentials(url: str) -> dict[str, Any]:
    """asyncpg's arguments for the database of a `postgres://` URL; BadInput for an unknown kind of database."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise BadInput("RUNWATCH_DATABASE_URL: must start with sqlite:/// or postgres://")
    try:
        # In a password, brackets are no address.
        user_info, at, rest = url.partition("@")
        parts = urlsplit(user_info.replace("[", "%5B").replace("]", "%5D") + at + rest if at else url)
        options = {name: POSTGRES_OPTIONS.get(name, str)(last) for name, (*_, last) in parse_qs(parts.query).items()}
        named = {
            "host": parts.hostname,
            "port": parts.port,
            "user": parts.username,
            "password": unquote(parts.password or ""),
        }
        # None is left to asyncpg, which asks the environment and the operating system.
        nothing = {**dict.fromkeys(named), "port": 5432}
        given = {name: value for name, value in named.items() if value}
        return {**nothing, **options, **given, "database": parts.path[1:] or None}
    except ValueError:
        raise BadInput("RUNWATCH_DATABASE_URL: malformed, or invalid port") from None


def is_pooled(url: str) -> bool:
    """Whether a pooler in transaction mode is in between, so that statements are not to be prepared."""
    return not url.startswith("sqlite:") and postgres_credentials(url).get("statement_cache_size") == 0


def tortoise_config(url: str) -> dict[str, Any]:
    """Tortoise's configuration for the database of a URL."""
    if url.startswith("sqlite:"):
        connection = {
            "engine": "tortoise.backends.sqlite",
            "credentials": {"file_path": str(sqlite_path(url)), **SQLITE_PRAGMAS},
        }
    else:
        # Behind a statement that waits for a table, everybody else waits for it too.
        given = {"timeout": CONNECT_SECONDS, **postgres_credentials(url), "server_settings": MIGRATING}
        connection = {"engine": "tortoise.backends.asyncpg", "credentials": given}
    return {"connections": {"default": connection}, "apps": MODULES, "use_tz": True, "timezone": "UTC"}
