"""What is wrong with a Postgres database, as its operator reads it: where it is, what it is, and what to do."""

from __future__ import annotations

import socket
from typing import Any

import asyncpg

# Which of its errors say that the server is ill, or has changed, and nothing of the statement: it may succeed later.
SICK = (
    asyncpg.InsufficientResourcesError,  # disk, memory, connections
    asyncpg.PostgresSystemError,
    asyncpg.DataCorruptedError,
    asyncpg.IndexCorruptedError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,  # it has become a standby
    asyncpg.InvalidAuthorizationSpecificationError,  # of a new connection
    asyncpg.InvalidCatalogNameError,
)

_SAID: list[tuple[type[BaseException], str]] = [
    (asyncpg.InvalidPasswordError, "the password is wrong, or the user unknown: correct the URL"),
    (asyncpg.InvalidAuthorizationSpecificationError, "the user may not connect: correct the URL, or pg_hba.conf"),
    (asyncpg.InvalidCatalogNameError, "there is no such database: create it (createdb), or correct the URL"),
    (asyncpg.InsufficientPrivilegeError, "the user may not do that: make the user the owner of the database"),
    (asyncpg.DiskFullError, "its disk is full: make room"),
    (asyncpg.TooManyConnectionsError, "it has no free connection: raise max_connections, or end other clients"),
    (asyncpg.InsufficientResourcesError, "it lacks resources"),
    (asyncpg.ReadOnlySQLTransactionError, "it takes no writes, as a standby: name the primary in the URL"),
    (asyncpg.LockNotAvailableError, "another session keeps a table locked: end that session, or wait for it"),
    (asyncpg.DataCorruptedError, "its files are damaged: restore a backup"),
    (asyncpg.IndexCorruptedError, "an index is damaged: REINDEX it, and look for the cause"),
    (asyncpg.ProtocolViolationError, "its pooler does not reach it, or refuses: look at the pooler's log"),
    (asyncpg.CannotConnectNowError, "it is starting or stopping: wait for it"),
    (socket.gaierror, "the host is unknown: correct the URL"),
    (ConnectionRefusedError, "nothing listens there: start Postgres, or correct the URL"),
    (TimeoutError, "it keeps silent: look at the server, and at firewalls on the way to it"),
]


# What pgbouncer says of a setting that belongs to a session.
_OF_A_SESSION = "unsupported startup parameter"
_POOLED = "a pooler is in between: set RUNWATCH_PREPARED_STATEMENTS=false, and RUNWATCH_DATABASE_DIRECT_URL past it"


def place_of(credentials: dict[str, Any]) -> str:
    """Where a database is, without its password."""
    user, database = credentials.get("user"), credentials.get("database")
    at = f"{credentials.get('host') or 'the local socket'}:{credentials.get('port')}"
    return f"{f'{user}@' if user else ''}{at}{f'/{database}' if database else ''}"


def explained(error: BaseException, place: str) -> str:
    """One line about a failure of the database at a place."""
    said = next((text for kind, text in _SAID if isinstance(error, kind)), "")
    detail = " ".join(str(error).split()) or type(error).__name__
    if _OF_A_SESSION in detail:
        said = _POOLED
    return f"{place}: {said} ({detail})" if said else f"{place}: {type(error).__name__}: {detail}"
