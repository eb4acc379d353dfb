"""What the tests of dispatch share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app import clock
from app.db import Database
from app.delivery import loop, outbox
from specs.harness.receiver import Receiver
from tests.app.delivery.bench import Bench


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An engine's webhook."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def bench(database: Database) -> Bench:
    """Everything between a failed execution and its engine."""
    return Bench(database)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses and sweeps of milliseconds instead of seconds."""
    monkeypatch.setattr(outbox, "FIRST_PAUSE", clock.SECOND // 1000)
    monkeypatch.setattr(outbox, "MAX_PAUSE", clock.SECOND // 100)
    monkeypatch.setattr(loop, "SWEEP_SECONDS", 0.01)
