"""What engines report, as values: the events of docs/events.md after decoding (app/events/decoding.py)."""

from __future__ import annotations

from enum import IntEnum
from typing import final

import msgspec

from app.lifecycle import State


class LogLevel(IntEnum):
    """Severity of a log line; stored as its number."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4
    FATAL = 5


class Text(msgspec.Struct, frozen=True, gc=False):
    """Text cut to its bound, with its true size in bytes of UTF-8."""

    value: str
    size: int


class Json(msgspec.Struct, frozen=True, gc=False):
    """JSON as shown, with its true size in bytes; `sealed` holds its secrets, encrypted (app/secrets/sealing.py)."""

    text: str
    size: int
    sealed: str | None = None


# In place of an index: no step is to blame, although some may have failed.
OUTSIDE_STEPS = -1


class Failure(msgspec.Struct, frozen=True, gc=False):
    """What an engine reports of a failure. `step` is the index of the step that it names, or OUTSIDE_STEPS."""

    type: str | None
    message: Text | None
    stack_trace: Text | None
    step: int | None


class TriggerData(msgspec.Struct, frozen=True, gc=False):
    """The trigger's data as JSON. Incomplete if, unsealed, it is not, to the byte, what the engine sent.

    `message` is the engine's own text beside it, encrypted whole: never shown, and given back with a retry.
    """

    text: str | None
    size: int
    incomplete: bool
    sealed: str | None = None
    redacted_paths: tuple[str, ...] = ()
    message: str | None = None


class Claims(msgspec.Struct, frozen=True, gc=False):
    """What an event says of its execution's identity; None where it says nothing."""

    workflow: str | None = None
    trigger_kind: str | None = None
    trigger_data: TriggerData | None = None
    retry_of: str | None = None
    definition: tuple[str, ...] | None = None
    due_at: int | None = None  # when it is to begin or continue; says nothing unless it is queued or waits


@final
class Queued(Claims, frozen=True, gc=False):
    """The execution is queued."""


@final
class Started(Claims, frozen=True, gc=False):
    """The execution runs."""


@final
class Waiting(Claims, frozen=True, gc=False):
    """The execution waits for something."""


@final
class Heartbeat(Claims, frozen=True, gc=False):
    """The execution is still there, wherever it stands."""


@final
class StepStart(msgspec.Struct, frozen=True, gc=False):
    """A step started."""

    index: int
    name: str
    kind: str | None
    input: Json | None


@final
class StepFinish(msgspec.Struct, frozen=True, gc=False):
    """A step ended; `duration` is the engine's own figure, in microseconds."""

    index: int
    name: str
    kind: str | None
    state: State
    output: Json | None
    error: Failure | None
    duration: int | None


@final
class Finish(msgspec.Struct, frozen=True, gc=False):
    """The execution ended."""

    state: State
    error: Failure | None


@final
class LogLine(msgspec.Struct, frozen=True, gc=False):
    """One line of the execution's log. `key` is a hash of the event's id, which identifies a repeated line."""

    key: str
    at: int
    level: LogLevel
    step: int | None
    message: Text
    attributes: Text | None  # JSON, without its secrets


Body = Queued | Started | Waiting | Heartbeat | Finish | StepStart | StepFinish | LogLine


class Event(msgspec.Struct, frozen=True, gc=False):
    """One valid event. `body` is what its type says.

    `secrets` are the sealed texts in it, in the clear: to be masked wherever they appear, and not to be stored.
    `claims_retries`: the engine said with it that it runs a retry once, even when it is published twice.
    `marks`: what is odd about its times, the bits of TimeMark. `bound`: its receipt, if its time was ahead of it;
    shown in its place.
    """

    index: int
    id: str
    source: str
    subject: str
    time: int
    body: Body
    secrets: frozenset[str] = frozenset()
    claims_retries: bool = False
    marks: int = 0
    bound: int | None = None


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Why the event at `index` of the body was rejected. What it says of itself is None where it cannot be read."""

    index: int
    id: str | None
    error: str
    source: str | None = None
    type: str | None = None
    subject: str | None = None


class Batch(msgspec.Struct, frozen=True):
    """The events of one body."""

    events: list[Event]
    rejected: list[Rejection]
