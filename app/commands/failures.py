"""Expected failures of commands, as people read them."""

from __future__ import annotations

import socket
import sys
from typing import Any

from app.errors import AppError


def messages_of(error: Exception) -> list[str]:
    """The lines that explain a failure; none if it is unexpected."""
    if isinstance(error, AppError):
        return [error.message]
    # What was not imported has raised nothing.
    pydantic, asyncpg = sys.modules.get("pydantic"), sys.modules.get("asyncpg")
    if pydantic is not None and isinstance(error, pydantic.ValidationError):
        return [_setting(problem) for problem in error.errors()]
    if isinstance(error, TimeoutError):  # without a text
        return ["The database at RUNWATCH_DATABASE_URL does not answer: it keeps silent"]
    if isinstance(error, ConnectionError | socket.gaierror):
        return [f"The database at RUNWATCH_DATABASE_URL does not answer: {error}"]
    if asyncpg is not None and isinstance(error, asyncpg.PostgresError):
        return [f"The database at RUNWATCH_DATABASE_URL refused the connection: {error}"]
    return [str(error)] if isinstance(error, OSError) else []


def _setting(problem: Any) -> str:
    name = "".join(str(part) for part in problem["loc"][:1]).upper()
    said: str = problem["msg"].removeprefix("Value error, ")
    return f"RUNWATCH_{name}: {said}" if name else said
