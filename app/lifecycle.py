"""States and their order, as one table. Pure.

`state` is what the engine last reported, `status` what an administrator reads. Both are stored as the small integers
below: their order is the sort order that the API promises for STATUS.
"""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What an administrator reads."""

    PENDING = 0
    SUCCESS = 1
    FAILURE = 2
    CANCELLED = 3


class State(IntEnum):
    """What the engine last reported. CONTACT_LOST is Runwatch's own word for silence."""

    QUEUED = 0
    RUNNING = 1
    WAITING = 2
    CONTACT_LOST = 3
    SUCCEEDED = 4
    FAILED = 5
    TIMED_OUT = 6
    CRASHED = 7
    CANCELLED = 8
    SKIPPED = 9

    @property
    def status(self) -> Status:
        """The status of this state."""
        return _STATUSES[self]

    @property
    def finished(self) -> bool:
        """Whether Runwatch expects nothing more of a run in this state."""
        return self >= State.SUCCEEDED


class TimeMark(IntEnum):
    """What is odd about times of a run. Those that events bring along are stored, as bits."""

    ASSUMED_UTC = 1  # an event's time had no zone
    CLOCK_AHEAD = 2  # an event's time was ahead of its receipt, which is shown in its place
    STARTED_BEFORE_QUEUED = 4
    FINISHED_BEFORE_STARTED = 8


def time_marks(
    bits: int, queued_at: int, started_at: int | None, finished_at: int | None, duration: int | None
) -> list[TimeMark]:
    """The stored marks of a run, and those that follow from its times."""
    if started_at is not None:
        if started_at < queued_at:
            bits |= TimeMark.STARTED_BEFORE_QUEUED
        if finished_at is not None and duration is None:
            bits |= TimeMark.FINISHED_BEFORE_STARTED
    return [mark for mark in TimeMark if bits & mark] if bits else []


def step_time_marks(started_at: int | None, finished_at: int | None, duration: int | None) -> list[TimeMark]:
    """The marks that follow from the times of a step, which nobody queues."""
    return [] if started_at is None else time_marks(0, started_at, started_at, finished_at, duration)


STATUS_OF = {
    State.QUEUED: Status.PENDING,
    State.RUNNING: Status.PENDING,
    State.WAITING: Status.PENDING,
    State.CONTACT_LOST: Status.PENDING,
    State.SUCCEEDED: Status.SUCCESS,
    State.FAILED: Status.FAILURE,
    State.TIMED_OUT: Status.FAILURE,
    State.CRASHED: Status.FAILURE,
    State.CANCELLED: Status.CANCELLED,
    State.SKIPPED: Status.CANCELLED,
}

# By their numbers: an enum's own hash, name and look-up are Python, and ingestion asks for them with every event.
_STATUSES = tuple(STATUS_OF[state] for state in State)
_NAMES = tuple(state.name for state in State)
_BY_NAME = {state.name: state for state in State}

STATES_OF = {status: [state for state in State if STATUS_OF[state] is status] for status in Status}

# Ranks of reports: the higher one wins whatever the order of arrival. A heartbeat, a step or a log line says that
# something runs without saying since when: it beats every report that it is queued (IMPLIED_RUNNING), so that nobody
# sees a run queued again when that report comes late. A finish that Runwatch makes itself (a delivery given up) stays
# below the engine's own word.
RANK_QUEUED = 1
RANK_ACTIVE = 2
RANK_FINISHED_BY_US = 9
RANK_FINISHED = 10

# Microseconds from the year 1 to 1970: makes every time of a merge key non-negative, so that its hex form has a fixed
# width.
_KEY_EPOCH = 62_135_596_800_000_000


def time_key(time_us: int) -> str:
    """A time as 15 hexadecimal digits that sort as the times do (enough until the year 9999)."""
    return f"{time_us + _KEY_EPOCH:015x}"


def state_key(rank: int, time_us: int, state: State, event_id: str) -> str:
    """One text that sorts as (rank, time, state name, event id) by code point. Among reports the greatest key wins."""
    return f"{rank:x}{time_us + _KEY_EPOCH:015x}{_NAMES[state]} {event_id}"


# Between all keys of RANK_QUEUED and those of RANK_ACTIVE.
IMPLIED_RUNNING = f"{RANK_QUEUED:x}{'f' * 15}RUNNING "


def state_of_key(key: str) -> State:
    """The state in a state key."""
    return _BY_NAME[key[16 : key.index(" ", 16)]]


def time_of_key(key: str) -> int:
    """The time, in microseconds since the epoch, in a state key."""
    return int(key[1:16], 16) - _KEY_EPOCH


def identity_key(queued: bool, time_us: int, event_id: str) -> str:
    """One text that sorts as (queued first, time, event id). Among claims of an identity the least key wins."""
    return f"{0 if queued else 1}{time_us + _KEY_EPOCH:015x}{event_id}"


def shown_state(step: State, run: State) -> State:
    """The state that a step shows: one that started and never finished ended as its run did."""
    return run if step < State.SUCCEEDED <= run else step
