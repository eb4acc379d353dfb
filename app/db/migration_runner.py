"""Migrations as Tortoise runs them: apart, because only a database that is behind needs Tortoise."""

from __future__ import annotations

from collections.abc import Iterator

from tortoise import Tortoise
from tortoise.migrations.api.migrate import migrate

from app.db.config import postgres_credentials, sqlite_path, tortoise_config
from app.db.sqlite_faults import fault_of
from app.errors import Unavailable


async def run(url: str) -> list[str]:
    """Apply what is missing; the names of the migrations that were applied. Unavailable if the database fails."""
    applied: list[str] = []

    def note(event: str, app_label: str, name: str) -> None:
        if event == "apply_done":
            applied.append(name)

    try:
        await migrate(config=tortoise_config(url), progress=note)
    except Exception as error:
        raise _fault(error, url) or error from error.__cause__
    finally:
        await Tortoise.close_connections()
    return applied


def _fault(error: BaseException, url: str) -> Unavailable | None:
    """What a failure says of the database; None if it is the migration's own."""
    if url.startswith("sqlite:"):
        path = sqlite_path(url)
        return next((fault for cause in _causes(error) if (fault := fault_of(cause, path))), None)
    import asyncpg

    from app.db.postgres_faults import SICK, explained, place_of

    refusals = (asyncpg.InsufficientPrivilegeError, asyncpg.LockNotAvailableError)
    kinds = (OSError, asyncpg.PostgresConnectionError, *SICK, *refusals)
    cause = next((cause for cause in _causes(error) if isinstance(cause, kinds)), None)
    return None if cause is None else Unavailable(explained(cause, place_of(postgres_credentials(url))))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it was made of: Tortoise gives it as an argument too."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        yield from (each for each in cause.args if isinstance(each, BaseException))
        cause = cause.__cause__
