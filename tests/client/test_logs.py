"""Log records become log lines of the run in whose context they were logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from runwatch_client import Runwatch, RunwatchHandler
from tests.client.sink import Event, Sink


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The root logger, with our handler, showing everything: httpx's lines too."""
    root = logging.getLogger()
    handler, level = RunwatchHandler(), root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield root
    root.removeHandler(handler)
    root.setLevel(level)


def lines(sink: Sink, client: Runwatch, run: str) -> list[Event]:
    assert client.flush(30)
    return [event["data"] for event in sink.of(run, "log.written")]


def test_records_are_lines_of_the_open_step(sink: Sink, client: Runwatch, logger: logging.Logger) -> None:
    log = logging.getLogger("shop.orders")
    log.warning("outside of any run")
    with client.execution("nightly", external_id="run-1") as run:
        with run.step("one"):
            log.info("order %d", 7, extra={"customer": "c-1"})
        try:
            int("seven")
        except ValueError:
            log.exception("no number")
        log.log(5, "quiet")
        log.critical("loud")
    first, second, third, fourth = lines(sink, client, "run-1")
    attributes = {"logger": "shop.orders", "customer": "c-1"}
    assert first == {"level": "INFO", "message": "order 7", "step": 0, "attributes": attributes}
    assert second["level"] == "ERROR"
    assert second["message"].startswith("no number\nTraceback (most recent call last):")
    assert second["message"].endswith("ValueError: invalid literal for int() with base 10: 'seven'")
    assert (third["level"], fourth["level"]) == ("TRACE", "FATAL")


def test_reporter_does_not_report_itself(sink: Sink, client: Runwatch, logger: logging.Logger) -> None:
    with client.execution("nightly", external_id="run-2"):
        for _ in range(5):
            logging.getLogger("runwatch_client").warning("about ourselves")
            logging.getLogger("httpx").info("HTTP Request: …")
            assert client.flush(30)
    assert lines(sink, client, "run-2") == []


def test_requests_of_the_reporter_are_not_logged(
    client: Runwatch, logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    with client.execution("nightly"):
        pass
    assert client.flush(30)
    assert [record for record in caplog.records if record.name == "httpx"] == []


def test_a_record_that_cannot_be_formatted_harms_nobody(
    sink: Sink, client: Runwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    record = logging.LogRecord("shop", logging.INFO, "file", 1, "%d orders", ("many",), None)
    with client.execution("nightly", external_id="run-3"):
        RunwatchHandler().emit(record)
    assert lines(sink, client, "run-3") == []


def test_a_time_limit_of_celery_is_not_swallowed(client: Runwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    class SoftTimeLimitExceeded(Exception):
        pass

    def interrupted(_: logging.LogRecord) -> str:
        raise SoftTimeLimitExceeded

    record = logging.makeLogRecord({"name": "shop", "msg": "x", "levelno": logging.INFO})
    monkeypatch.setattr(record, "getMessage", lambda: interrupted(record))
    with client.execution("nightly"), pytest.raises(SoftTimeLimitExceeded):
        RunwatchHandler().emit(record)
