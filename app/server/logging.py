"""Structured logs: one line per event, with the id of its request. As JSON only if the settings ask for it."""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

import orjson

import app.log
from app import clock
from app.settings import Settings
from app.without import without_rich

with without_rich():
    import structlog


def _add_request_id(_: object, __: str, event: dict[str, Any]) -> dict[str, Any]:
    id_ = app.log.request_id.get()
    if id_ is not None:
        event.setdefault("request_id", id_)
    return event


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


# What needs no quotes: no space, nothing that ends a value, nothing that a terminal obeys.
_PLAIN = re.compile(r"[!#-&(-<>-~]+").fullmatch
_SEPARATORS = re.compile(r"[\s\"'=]").search


def _text(event: dict[str, Any]) -> bytes:
    """Time, level, event, logger, then the rest as name=value; the stack of a failure below it. Takes `event` apart.

    Whatever a line quotes, it makes no other line, and moves no terminal's cursor.
    """
    take = event.pop
    stack = take("exception", None)
    head = (
        f"{take('timestamp', '')} [{take('level', ''):<8}] {_printable(str(take('event', '')))} [{take('logger', '')}]"
    )
    line = " ".join([head, *[f"{name}={_value(value)}" for name, value in event.items()]])
    if stack:
        line = "\n".join([line, *[f"  {_printable(below)}" for below in str(stack).splitlines()]])
    return line.encode(errors="backslashreplace")


def _value(value: object) -> str:
    text = str(value)
    if _PLAIN(text):
        return text
    return text if text.isprintable() and text and not _SEPARATORS(text) else repr(text)


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _writer(render: Callable[[dict[str, Any]], bytes]) -> Callable[[dict[str, Any]], None]:
    """What writes the line of a request as the processors below would make it."""
    write = _Lines("request").write

    def write_request(line: dict[str, Any]) -> None:
        line["level"] = "info"
        line["timestamp"] = clock.to_rfc3339(clock.now_us())
        write(render(line))

    return write_request


def configure_logging(settings: Settings) -> None:
    """Send everything, uvicorn's lines included, through structlog to standard error."""
    form = settings.log_format
    if form == "auto":
        form = "console" if sys.stderr.isatty() else "text"
    console, render = form == "console", _json if form == "json" else _text
    shared: list[Any] = [
        _add_request_id,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # The renderer's own tracebacks show the values of local variables: payloads, and the secrets in them.
    plain = structlog.dev.plain_traceback
    tail: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if console:
        tail += [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    else:
        tail += [structlog.processors.format_exc_info, lambda _, __, event: render(dict(event)).decode()]
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
            processors=[*shared, structlog.processors.format_exc_info, lambda _, __, event: render(dict(event))],
            logger_factory=_Lines,
            wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
            cache_logger_on_first_use=True,
        )
    at_info = logging.getLogger().isEnabledFor(logging.INFO)
    app.log.request_line = None if console or not at_info else _writer(render)
    for name in ("tortoise", "asyncio", "httpx", "httpcore", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # asyncpg tells with its stack of each connection that a dead server refuses: app/db/watch.py says it once.
    logging.getLogger("asyncpg").setLevel(logging.ERROR)
    # When a field fails, graphql-core cancels its siblings, some before they began.
    warnings.filterwarnings("ignore", r"coroutine '(Executor|GraphQLCoreConverter)\..* was never awaited")
    # Strawberry logs every failed field with its stack. We log unexpected failures where we mask them.
    logging.getLogger("strawberry").setLevel(logging.CRITICAL)
