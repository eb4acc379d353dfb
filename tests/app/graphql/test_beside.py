"""One thread beside the loop: whose work is done next."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Event

import pytest

from app.graphql.beside import Beside


@contextmanager
def busy(beside: Beside) -> Iterator[None]:
    """It is at work for a token until the end."""
    began, ended = Event(), Event()

    def work() -> None:
        began.set()
        ended.wait()

    beside.submit("busy", work)
    began.wait()
    try:
        yield
    finally:
        ended.set()


def test_credentials_take_turns() -> None:
    beside, done = Beside("test"), list[str]()
    with busy(beside):
        each = [beside.submit(name[0], partial(done.append, name)) for name in ("a1", "a2", "a3", "b1", "c1")]
    for future in each:
        future.result(10)
    assert done == ["a1", "b1", "c1", "a2", "a3"]


def test_work_of_two_is_done_once_by_the_first_turn_of_either() -> None:
    beside, done = Beside("test"), list[str]()
    with busy(beside):
        beside.submit("a", lambda: done.append("a1"))
        shared = beside.submit("a", lambda: done.append("shared"))
        beside.join("b", shared, lambda: done.append("shared"))
        last = beside.submit("a", lambda: done.append("a3"))
    shared.result(10)
    last.result(10)
    assert done == ["a1", "shared", "a3"]


def test_cancelled_work_is_not_done() -> None:
    beside, done = Beside("test"), list[str]()
    with busy(beside):
        dropped: Future[None] = beside.submit("a", lambda: done.append("dropped"))
        after = beside.submit("a", lambda: done.append("after"))
        assert dropped.cancel()
    after.result(10)
    assert done == ["after"]


def test_failure_goes_to_whoever_waits_and_the_next_is_done() -> None:
    beside = Beside("test")
    with pytest.raises(ZeroDivisionError):
        beside.submit("a", lambda: 1 / 0).result(10)
    assert beside.submit("a", lambda: 1).result(10) == 1
