"""Structured logs: one line per event, with the id of its request."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any

import orjson

import app.log
from app import clock
from app.settings import Settings
from app.without import without_rich

with without_rich():
    import structlog


class _Lines:
    """Writes lines that are bytes already, for a logger of structlog's."""

    def __init__(self, name: str) -> None:
        self.name = name

    def write(self, line: bytes) -> None:
        """One line, at once, and after whatever others have written as text."""
        sys.stderr.flush()
        sys.stderr.buffer.write(line + b"\n")
        sys.stderr.buffer.flush()

    debug = info = warning = error = critical = write


def _json(event: dict[str, Any], **_: Any) -> bytes:
    try:
        return orjson.dumps(event, default=repr)
    except orjson.JSONEncodeError:  # large numbers, lone surrogates
        return json.dumps(event, default=repr).encode()


_lines = _Lines("request")


def _write_request(line: dict[str, Any]) -> None:
    """What the processors below would make of it."""
    line["level"] = "info"
    line["timestamp"] = clock.to_rfc3339(clock.now_us())
    _lines.write(_json(line))


def configure_logging(settings: Settings) -> None:
    """Send everything, uvicorn's lines included, through structlog to standard error."""
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # The renderer's own tracebacks show the values of local variables: payloads, and the secrets in them.
    plain = structlog.dev.plain_traceback
    renderer = (
        structlog.dev.ConsoleRenderer(exception_formatter=plain) if console else structlog.processors.JSONRenderer()
    )
    tail: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    tail += [renderer] if console else [structlog.processors.format_exc_info, renderer]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=tail))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    if console:
        structlog.configure(
            processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=True,
        )
    else:
        # Not through the records of logging, which look for their caller in the stack: a line took 37 µs, and takes 11.
        structlog.configure(
            processors=[*shared, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)],
            logger_factory=_Lines,
            wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
            cache_logger_on_first_use=True,
        )
    at_info = logging.getLogger().isEnabledFor(logging.INFO)
    app.log.request_line = None if console or not at_info else _write_request
    for name in ("tortoise", "asyncio", "httpx", "httpcore", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # When a field fails, graphql-core cancels its siblings, some before they began.
    warnings.filterwarnings("ignore", r"coroutine '(Executor|GraphQLCoreConverter)\..* was never awaited")
    # Strawberry logs every failed field with its stack. We log unexpected failures where we mask them.
    logging.getLogger("strawberry").setLevel(logging.CRITICAL)
