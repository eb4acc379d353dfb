"""Loggers that import structlog with the first line that they write.

structlog imports rich for tracebacks, 0.2 s of CPU together, and most commands write no line.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import CoroutineType
from typing import Any

from app.without import without_rich

_configure: Callable[[], None] | None = None

# Of the request that is being answered: every line that is written meanwhile has it.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class Logger:
    """A logger of structlog's, made with its first use."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._logger: Any = None

    def __getattr__(self, method: str) -> Any:
        if self._logger is None:
            _prepare()
            with without_rich():
                import structlog

            self._logger = structlog.get_logger(self._name)
        return getattr(self._logger, method)


# Writes the line of a request by a shorter way than structlog's, where lines are JSON (app/server/logging.py).
request_line: Callable[[dict[str, Any]], None] | None = None


def get_logger(name: str) -> Any:
    """The logger of a module; `Any`, as structlog types its own."""
    return Logger(name)


def before_first_line(configure: Callable[[], None], level: str) -> None:
    """Call `configure` once, before the first line of this level or above is written, by us or by a library."""
    global _configure
    _configure = configure
    root = logging.getLogger()
    root.handlers = [_FirstLine()]
    root.setLevel(level.upper())


class _FirstLine(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _prepare()
        if logging.getLogger(record.name).isEnabledFor(record.levelno):
            logging.getLogger().handle(record)


def _prepare() -> None:
    global _configure
    configure, _configure = _configure, None
    if configure is not None:
        configure()


def log_unraisable(failed: sys.UnraisableHookArgs) -> None:
    """For sys.unraisablehook: logs what fails where nothing can be raised.

    Except coroutines that were never awaited (app/server/logging.py says why): their warning fails when it comes in the
    midst of code without builtins, such as the constructor of a named tuple.
    """
    if not isinstance(failed.object, CoroutineType):
        told = (failed.exc_type, failed.exc_value, failed.exc_traceback)
        get_logger(__name__).error("unraisable", where=type(failed.object).__name__, exc_info=told)
