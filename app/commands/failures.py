"""Expected failures of commands, as people read them."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from app.errors import AppError, Unavailable


def messages_of(error: Exception) -> list[str]:
    """The lines that explain a failure; none if it is unexpected."""
    if isinstance(error, AppError):
        return [error.message]
    # What was not imported has raised nothing.
    pydantic, asyncpg = sys.modules.get("pydantic"), sys.modules.get("asyncpg")
    if pydantic is not None and isinstance(error, pydantic.ValidationError):
        return [_setting(problem) for problem in error.errors()]
    if isinstance(error, Unavailable):
        return [f"{_setting_of_database()}: {error}"]
    if isinstance(error, TimeoutError):  # without a text
        return ["The database at RUNWATCH_DATABASE_URL does not answer: it keeps silent"]
    if isinstance(error, ConnectionError | socket.gaierror):
        return [f"The database at RUNWATCH_DATABASE_URL does not answer: {error}"]
    if asyncpg is not None and isinstance(error, asyncpg.PostgresError):
        return [f"The database at RUNWATCH_DATABASE_URL refused the connection: {error}"]
    return [_about_file(error)] if isinstance(error, OSError) else []


def _about_file(error: OSError) -> str:
    """What there is to do, if it is a file of the data folder."""
    from app.settings import Settings

    folder, name = Settings().data_dir, error.filename
    if not isinstance(name, str | Path) or folder not in (Path(name), *Path(name).parents):
        return str(error)
    return (
        f"RUNWATCH_DATA_DIR: {name}: {error.strerror}: let the user of Runwatch write there, and see that there is room"
    )


def _setting_of_database() -> str:
    """The setting that says where the database is."""
    from app.settings import Settings

    return "RUNWATCH_DATABASE_URL" if Settings().database_url else "RUNWATCH_DATA_DIR"


def _setting(problem: Any) -> str:
    name = "".join(str(part) for part in problem["loc"][:1]).upper()
    said: str = problem["msg"].removeprefix("Value error, ")
    return f"RUNWATCH_{name}: {said}" if name else said
