"""What fails is logged with its stack, and never with the values of its variables: those hold payloads."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO, TextIOWrapper
from types import SimpleNamespace
from typing import Any, cast

import httpx
import orjson
import pytest
import structlog

import app.log
from app.asgi.request_log import RequestLog
from app.log import log_unraisable
from app.server.logging import configure_logging
from app.settings import Settings


@contextmanager
def configured(**settings: str) -> Iterator[None]:
    before = logging.getLogger().handlers[:]
    configure_logging(Settings.model_validate(settings))
    try:
        yield
    finally:
        logging.getLogger().handlers = before
        structlog.reset_defaults()
        app.log.request_line = None


@pytest.mark.parametrize("log_format", ["console", "json", "text"])
def test_a_traceback_has_no_values(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    with configured(log_format=log_format):
        secret = "s3cr3t-" + "value"
        try:
            raise RuntimeError(f"{len(secret)} characters")
        except RuntimeError:
            structlog.get_logger("test").exception("failed")
    logged = capsys.readouterr().err
    assert "RuntimeError: 12 characters" in logged
    assert "s3cr3t-value" not in logged


def test_text_is_a_line_whatever_it_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default, where there is no terminal. What a client sent makes no line of its own, and moves no cursor."""
    errors = TextIOWrapper(BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stderr", errors)
    with configured():
        structlog.get_logger("ours").warning(
            "refused", path="/a b\n[error] forged", who="ä=1", code="\x1b[31m\ud800", ms=1.5, none=None, plain="rw_1"
        )
        logging.getLogger("theirs").error("two\nlines %s", {"a": 1})
        try:
            raise RuntimeError("first\n2026 [error] forged \x9b")
        except RuntimeError:
            structlog.get_logger("ours").exception("failed")
    first, second, third, *stack = errors.buffer.getvalue().decode().splitlines()
    time, _, rest = first.partition(" ")
    assert datetime.fromisoformat(time).tzinfo is not None
    assert rest == (
        r"[warning ] refused [ours] path='/a b\n[error] forged' who='ä=1' code='\x1b[31m\ud800'"
        " ms=1.5 none=None plain=rw_1"
    )
    assert second.endswith(r"""[error   ] "two\nlines {'a': 1}" [theirs]""")
    assert third.endswith("[error   ] failed [ours]")
    assert len(stack) >= 3
    assert all(line.startswith("  ") and line.isprintable() for line in stack)


@pytest.mark.parametrize(("log_level", "lines"), [("info", 1), ("warning", 0)])
async def test_line_of_a_request_is_as_structlog_writes_it(
    log_level: str, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask() -> list[dict[str, Any]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(RequestLog(answer)), base_url="http://x") as client:
            await client.post("/ä b", headers={"x-request-id": "mine"})
        written = errors.buffer.getvalue().splitlines()
        errors.buffer.truncate(0)
        errors.buffer.seek(0)
        return [orjson.loads(line) for line in written]

    errors = TextIOWrapper(BytesIO())
    monkeypatch.setattr("sys.stderr", errors)
    monkeypatch.setattr("app.asgi.request_log.log", app.log.get_logger("app.asgi.request_log"))  # not yet configured
    with configured(log_format="json", log_level=log_level):
        by_hand = await ask()
        monkeypatch.setattr("app.log.request_line", None)
        by_structlog = await ask()
    assert len(by_hand) == len(by_structlog) == lines
    for line in (*by_hand, *by_structlog):
        assert (line["event"], line["path"], line["request_id"], line["level"]) == ("request", "/ä b", "mine", "info")
        assert datetime.fromisoformat(line.pop("timestamp")).tzinfo is not None
        assert line.pop("ms") >= 0
    assert by_hand == by_structlog


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
