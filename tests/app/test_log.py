"""Loggers: configured by their first line, whoever writes it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app import log


class Kept(logging.Handler):
    """What is written once logging is configured."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Kept]]:
    """The handlers that a configuration has set up, one each time."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    made: list[Kept] = []

    def configure() -> None:
        made.append(Kept())
        root.handlers = [*made[-1:]]
        logging.getLogger("quiet").setLevel(logging.ERROR)
        structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(), processors=[_event])

    monkeypatch.setattr(log, "_configure", None)  # and with that again in the end, when no line was written
    log.before_first_line(configure, "info")
    try:
        yield made
    finally:
        root.handlers, root.level = handlers, level
        logging.getLogger("quiet").setLevel(logging.NOTSET)
        structlog.reset_defaults()


def _event(_: Any, __: str, line: Any) -> str:
    return str(line["event"])


def test_nothing_is_configured_before_a_line_of_the_level(configured: list[Kept]) -> None:
    log.get_logger("ours")
    logging.getLogger("theirs").debug("below the level")
    assert configured == []


def test_our_first_line_configures_once(configured: list[Kept]) -> None:
    ours = log.get_logger("ours")
    ours.warning("one")
    ours.warning("two")
    log.get_logger("others").warning("three")
    assert [kept.lines for kept in configured] == [["one", "two", "three"]]


def test_the_first_line_of_a_library_is_not_lost(configured: list[Kept]) -> None:
    logging.getLogger("theirs").info("one")
    logging.getLogger("theirs").info("two")
    assert [kept.lines for kept in configured] == [["one", "two"]]


def test_a_library_that_the_configuration_silences_is_silent_from_its_first_line(configured: list[Kept]) -> None:
    logging.getLogger("quiet").warning("one")
    assert [kept.lines for kept in configured] == [[]]
