"""Conditions: what a rule is about. Each says when it holds, and when it may fire again."""

from __future__ import annotations

import msgspec

from app import clock
from app.alerts.streaks import MAX_COUNT
from app.errors import BadInput

# A window is looked at so many times in its length: each run is read that often, whatever the length.
LOOKS = 100
MIN_PAUSE, MAX_PAUSE = clock.SECOND, 5 * clock.MINUTE
MAX_WINDOW_MINUTES = 7 * 24 * 60
MAX_SILENCE_MINUTES = 90 * 24 * 60
MAX_RUNS = 10_000
MIN_FACTOR, MAX_FACTOR = 1.1, 100.0
# No run has been slow for so long: the next one is news.
CALM = clock.HOUR


class Condition(msgspec.Struct, frozen=True, tag_field="type"):
    """One of the classes below. Lengths are in minutes, as people say them."""

    @property
    def pause(self) -> int | None:
        """How often the clock looks, in µs; None: never, failing runs do."""
        return None

    @property
    def calm(self) -> int:
        """For how long it must not have held until it may fire again, in µs."""
        return 0

    def check(self) -> None:
        """BadInput for values out of range."""


class FailuresInARow(Condition, frozen=True, tag="failuresInARow"):
    """So many failures since the last success. Again after a success."""

    count: int

    def check(self) -> None:
        """See Condition."""
        _within("condition.failuresInARow", self.count, 1, MAX_COUNT)


class FailureRate(Condition, frozen=True, tag="failureRate"):
    """This share of the runs that finished within the window failed. Again when it has not for a whole window."""

    percent: float
    minutes: int
    minimum_runs: int

    @property
    def pause(self) -> int:
        """See Condition."""
        return _pause(self.minutes)

    @property
    def calm(self) -> int:
        """See Condition."""
        return self.minutes * clock.MINUTE

    def check(self) -> None:
        """See Condition."""
        _within("condition.failureRate.percent", self.percent, 0.1, 100)
        _within("condition.failureRate.windowMinutes", self.minutes, 1, MAX_WINDOW_MINUTES)
        _within("condition.failureRate.minimumRuns", self.minimum_runs, 1, MAX_RUNS)


class SlowRun(Condition, frozen=True, tag="slowRun"):
    """A run takes so many times the usual p95, finished or not. Again after an hour without one."""

    factor: float

    @property
    def pause(self) -> int:
        """See Condition."""
        return 5 * clock.SECOND

    @property
    def calm(self) -> int:
        """See Condition."""
        return CALM

    def check(self) -> None:
        """See Condition."""
        _within("condition.slowRun", self.factor, MIN_FACTOR, MAX_FACTOR)


class NewErrorGroup(Condition, frozen=True, tag="newErrorGroup"):
    """A run fails with an error that no run had before. Once for each error group."""


class RegressedErrorGroup(Condition, frozen=True, tag="regressedErrorGroup"):
    """A run fails with an error that somebody had resolved. Again after it was resolved again."""


class NoRun(Condition, frozen=True, tag="noRun"):
    """No run was queued for so long; None: for three times as long as usual. Again after a run."""

    minutes: int | None

    @property
    def pause(self) -> int:
        """See Condition."""
        return clock.MINUTE // 6 if self.minutes is None else _pause(self.minutes)

    def check(self) -> None:
        """See Condition."""
        if self.minutes is not None:
            _within("condition.noRun.minutes", self.minutes, 1, MAX_SILENCE_MINUTES)


class EngineSilent(Condition, frozen=True, tag="engineSilent"):
    """No event of an engine came for so long; None: of each engine by itself. Again after an event."""

    minutes: int
    engine_id: str | None

    @property
    def pause(self) -> int:
        """See Condition."""
        return _pause(self.minutes)

    def check(self) -> None:
        """See Condition."""
        _within("condition.engineSilence.minutes", self.minutes, 1, MAX_SILENCE_MINUTES)


AnyCondition = FailuresInARow | FailureRate | SlowRun | NewErrorGroup | RegressedErrorGroup | NoRun | EngineSilent

_DECODER: msgspec.json.Decoder[AnyCondition] = msgspec.json.Decoder(AnyCondition)


def encoded(condition: AnyCondition) -> str:
    """As it is stored."""
    return msgspec.json.encode(condition).decode()


def decoded(stored: str) -> AnyCondition:
    """From what is stored."""
    return _DECODER.decode(stored)


def _pause(minutes: int) -> int:
    return min(max(minutes * clock.MINUTE // LOOKS, MIN_PAUSE), MAX_PAUSE)


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise BadInput(f"{name}: must be {least:g} to {most:g}, not {value}")
