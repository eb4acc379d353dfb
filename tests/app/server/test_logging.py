"""What fails is logged with its stack, and never with the values of its variables: those hold payloads."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog

from app.log import log_unraisable
from app.server.logging import configure_logging
from app.settings import Settings


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_has_no_values(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    configure_logging(Settings.model_validate({"log_format": log_format}))
    try:
        secret = "s3cr3t-" + "value"
        try:
            raise RuntimeError(f"{len(secret)} characters")
        except RuntimeError:
            structlog.get_logger("test").exception("failed")
    finally:
        logging.getLogger().handlers = before
        structlog.reset_defaults()
    logged = capsys.readouterr().err
    assert "RuntimeError: 12 characters" in logged
    assert "s3cr3t-value" not in logged


def test_failure_in_a_destructor_is_a_line_of_the_log() -> None:
    async def never_awaited() -> None:
        pass

    coroutine = never_awaited()
    with structlog.testing.capture_logs() as lines:
        for failing in (coroutine, object()):
            error = KeyError("__import__")
            told: Any = SimpleNamespace(object=failing, exc_type=KeyError, exc_value=error, exc_traceback=None)
            log_unraisable(cast("sys.UnraisableHookArgs", told))
    coroutine.close()
    assert [(line["event"], line["where"]) for line in lines] == [("unraisable", "object")]
