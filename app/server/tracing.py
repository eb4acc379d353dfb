"""Traces of this server, if OpenTelemetry's variables ask for them (docs/monitoring.md)."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

from starlette.types import ASGIApp

from app.log import get_logger
from app.monitor.spans import wanted

log = get_logger(__name__)


def traced(app: ASGIApp, stack: AsyncExitStack) -> ASGIApp:
    """The application with a span around each request, if that is wanted; the stack sends the last ones.

    These variables are often set for all programs of a machine: one that Runwatch cannot follow stops nothing.
    """
    if not wanted(os.environ):
        return app
    try:
        # Here and not above: it takes 0.15 s of CPU to import, and is an extra.
        from app.monitor.otel import NoExporter, Traced, provider_of
    except ImportError as error:
        log.warning("traces_off", reason=f"pip install 'runwatch[otel]': {error}")
        return app
    try:
        found = Traced(app, provider_of(os.environ))
    except NoExporter as error:
        log.warning("traces_off", reason=str(error))
        return app
    stack.callback(found.close)
    return found
