"""What fails is logged with its stack, and never with the values of its variables: those hold payloads."""

from __future__ import annotations

import logging

import pytest
import structlog

from app.logging_setup import configure_logging
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
