"""Events on the wire: the shapes that bodies decode into. Unknown members are ignored, as CloudEvents asks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from app.events.sizes import MAX_STEPS

FinishedState = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "CRASHED", "CANCELLED", "SKIPPED"]
StepIndex = Annotated[int, msgspec.Meta(ge=0, lt=MAX_STEPS)]


class Envelope(msgspec.Struct):
    """What CloudEvents requires of every event, and we of ours: subject and time."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: str  # app/events/times.py
    data: msgspec.Raw = msgspec.Raw(b"null")
    data_base64: str | None = None
    datacontenttype: str | None = None
    runwatchclaims: Any = None  # "1": this engine's Celery workers run a retry once, even when it is published twice


class Loose(msgspec.Struct):
    """What identifies a rejected event, where it has that, and its data."""

    id: Any = None
    source: Any = None
    type: Any = None
    subject: Any = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: Any = None


class TriggerClaim(msgspec.Struct):
    """What triggered the run."""

    kind: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    message: str | None = None


class ClaimsData(msgspec.Struct, rename="camel"):
    """Data of execution.queued, .started, .waiting and .heartbeat."""

    workflow: str | None = None
    trigger: TriggerClaim | None = None
    retry_of: str | None = None
    definition: list[str] | None = None
    due_at: str | None = None  # of .queued and .waiting alone


class TriggerPayload(msgspec.Struct):
    """Only the data of a TriggerClaim."""

    data: msgspec.Raw = msgspec.Raw()


class TriggerDataOnly(msgspec.Struct):
    """Only the trigger's data of ClaimsData, for a body that had to be repaired."""

    trigger: TriggerPayload


class FailureData(msgspec.Struct, rename="camel"):
    """An error as an engine reports it."""

    type: str | None = None
    message: str | None = None
    stack_trace: str | None = None
    step: StepIndex | None = None
    outside_steps: bool | None = None


class FinishedData(msgspec.Struct):
    """Data of execution.finished."""

    state: FinishedState
    error: FailureData | None = None


class StepStart(msgspec.Struct):
    """A started step."""

    index: StepIndex
    name: str
    kind: str | None = None
    input: msgspec.Raw = msgspec.Raw()


class StepFinish(msgspec.Struct, rename="camel"):
    """A finished step."""

    index: StepIndex
    name: str
    state: FinishedState
    kind: str | None = None
    output: msgspec.Raw = msgspec.Raw()
    error: FailureData | None = None
    duration_ms: Annotated[float, msgspec.Meta(ge=0, le=1e14)] | None = None


class StepStartedData(msgspec.Struct):
    """Data of step.started."""

    step: StepStart


class StepFinishedData(msgspec.Struct):
    """Data of step.finished."""

    step: StepFinish


class LogWrittenData(msgspec.Struct):
    """Data of log.written."""

    level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL"]
    message: str
    step: StepIndex | None = None
    attributes: msgspec.Raw = msgspec.Raw()
