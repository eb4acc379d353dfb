"""The data of each type of event: checked, sealed, cut to size, and made fit for every database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

import msgspec
import orjson

from app import ids
from app.errors import BadInput
from app.events import (
    OUTSIDE_STEPS,
    Body,
    Claims,
    Failure,
    Finish,
    Heartbeat,
    Json,
    LogLevel,
    LogLine,
    Queued,
    Started,
    StepFinish,
    StepStart,
    Text,
    TriggerData,
    Waiting,
    times,
    wire,
)
from app.events.jsontext import Markers
from app.events.sizes import (
    MAX_ATTRIBUTES,
    MAX_DATA,
    MAX_ERROR_TYPE,
    MAX_LOG_LINE,
    MAX_MESSAGE,
    MAX_NAME,
    MAX_STACK_TRACE,
    MAX_STEPS,
    MAX_TRIGGER_MESSAGE,
)
from app.lifecycle import State, TimeMark
from app.secrets.sealing import Sealed, Sealer
from app.texts import is_blank

C = TypeVar("C", bound=Claims)

_claims = msgspec.json.Decoder(wire.ClaimsData | None)
_trigger_data = msgspec.json.Decoder(wire.TriggerDataOnly)
_finished = msgspec.json.Decoder(wire.FinishedData)
_step_started = msgspec.json.Decoder(wire.StepStartedData)
_step_finished = msgspec.json.Decoder(wire.StepFinishedData)
_log_written = msgspec.json.Decoder(wire.LogWrittenData)


class Rejected(Exception):
    """Why one event was rejected."""


class Reader:
    """Reads the parts of one event's data, with the markers of its body; `secrets` and `marks` are what it found."""

    def __init__(self, markers: Markers | None, sealer: Sealer) -> None:
        self._markers = markers
        self._sealer = sealer
        self.secrets: frozenset[str] = frozenset()
        self.marks = 0

    def plain(self, raw: bytes) -> bytes:
        return raw if self._markers is None else self._markers.plain(raw)

    def text(self, value: str) -> str:
        """Text that every database accepts: no NUL, no half surrogate pairs."""
        if self._markers is not None:
            value = self._markers.text(value)
        return value.replace("\0", "\ufffd") if "\0" in value else value

    def name(self, what: str, value: str, limit: int = MAX_NAME) -> str:
        if not value:
            raise Rejected(f"{what}: empty")
        if len(value) > limit:
            raise Rejected(f"{what}: longer than {limit} characters")
        return self.text(value)

    def workflow(self, name: str) -> str:
        """A name by which people find runs; those of steps and ids stand beside something that can be seen."""
        if name and is_blank(name):
            raise Rejected("workflow: has no character that can be seen")
        return self.name("workflow", name)

    def time(self, what: str, text: str) -> int:
        """A time in microseconds; marks one whose zone nobody said."""
        try:
            time, zoned = times.parse(text)
            if not zoned:
                self.marks |= TimeMark.ASSUMED_UTC
            return times.within_range(time)
        except BadInput as error:
            raise Rejected(f"{what}: {error.message}") from None

    def cut(self, value: str, limit: int) -> Text:
        value = self.text(value)
        if len(value) * 4 <= limit:
            return Text(value, len(value) if value.isascii() else len(value.encode()))
        encoded = value.encode()
        if len(encoded) <= limit:
            return Text(value, len(encoded))
        return Text(encoded[:limit].decode(errors="ignore"), len(encoded))

    def json(self, raw: msgspec.Raw, limit: int = MAX_DATA) -> Json | None:
        """JSON with its secrets sealed. A JSON object with its size and beginning replaces JSON that is too long."""
        if not (data := bytes(raw)):
            return None
        data = self.plain(data)
        sealed = self._seal(data)
        if len(data) <= limit:
            return Json(sealed.text, len(data), sealed.token)
        return Json(_beginning(sealed.text, len(data), limit), len(data))

    def _seal(self, data: bytes) -> Sealed:
        sealed = self._sealer.seal(data.decode())
        if sealed.secrets:
            self.secrets |= sealed.secrets
        return sealed

    def secrets_in(self, data: bytes) -> frozenset[str]:
        """What would be sealed in the JSON of an event, or in nothing."""
        return self._sealer.secrets_in(self.plain(data).decode(errors="replace")) if data else frozenset()

    def failure(self, error: wire.FailureData | None) -> Failure | None:
        if error is None:
            return None
        return Failure(
            type=None if error.type is None else self.cut(error.type, MAX_ERROR_TYPE).value,
            message=None if error.message is None else self.cut(error.message, MAX_MESSAGE),
            stack_trace=None if error.stack_trace is None else self.cut(error.stack_trace, MAX_STACK_TRACE),
            step=OUTSIDE_STEPS if error.step is None and error.outside_steps else error.step,
        )

    def trigger_data(self, given: wire.TriggerClaim, claims: bytes) -> TriggerData | None:
        """The trigger's data and message; the data of `claims` before the markers were resolved, if there are any."""
        if given.message is None:
            return self._data_of(given.data, claims)
        data = self._data_of(given.data, claims) or TriggerData(None, 0, False)
        if not given.message.isascii() or len(given.message) > MAX_TRIGGER_MESSAGE:
            return msgspec.structs.replace(data, incomplete=True)  # it could not be given back as it was
        return msgspec.structs.replace(data, message=self._sealer.encrypt(given.message))

    def _data_of(self, raw: msgspec.Raw, claims: bytes) -> TriggerData | None:
        if not (data := bytes(raw)):
            return None
        changed = False
        if self._markers is not None:
            data, changed = self._markers.original(bytes(_trigger_data.decode(claims).trigger.data))
        sealed = self._seal(data)
        if len(data) > MAX_DATA:
            # The sealed values are not all there: nobody could put them back.
            return TriggerData(_beginning(sealed.text, len(data), MAX_DATA), len(data), True)
        return TriggerData(sealed.text, len(data), changed, sealed.token, sealed.paths)


def _beginning(text: str, size: int, limit: int) -> str:
    # Half of the room, because a text of quotes or backslashes doubles when it is quoted again.
    start = text[:limit].encode()[: limit // 2 - 100].decode(errors="ignore")
    return orjson.dumps({"truncated": True, "bytes": size, "start": start}).decode()


def _with_claims(body: type[C]) -> Callable[[Reader, bytes, str, int], C]:
    def read(reader: Reader, data: bytes, event_id: str, time: int) -> C:
        given = _claims.decode(reader.plain(data)) or wire.ClaimsData()
        trigger = given.trigger
        definition = given.definition
        if definition is not None and len(definition) > MAX_STEPS:
            raise Rejected(f"definition: more than {MAX_STEPS} steps")
        return body(
            workflow=None if given.workflow is None else reader.workflow(given.workflow),
            trigger_kind=None if trigger is None else reader.name("trigger.kind", trigger.kind or "unknown", 100),
            trigger_data=None if trigger is None else reader.trigger_data(trigger, data),
            retry_of=None if given.retry_of is None else _execution_id(given.retry_of),
            definition=None if definition is None else tuple(reader.name("definition", name) for name in definition),
            due_at=None if given.due_at is None else reader.time("dueAt", given.due_at),
        )

    return read


def _execution_id(text: str) -> str:
    found = ids.from_global("execution", text)
    if found is None:
        raise Rejected("retryOf: not an execution id")
    return found


def _finish(reader: Reader, data: bytes, event_id: str, time: int) -> Finish:
    given = _finished.decode(reader.plain(data))
    return Finish(State[given.state], reader.failure(given.error))


def _step_start(reader: Reader, data: bytes, event_id: str, time: int) -> StepStart:
    given = _step_started.decode(reader.plain(data)).step
    kind = None if given.kind is None else reader.name("kind", given.kind)
    return StepStart(given.index, reader.name("name", given.name), kind, reader.json(given.input))


def _step_finish(reader: Reader, data: bytes, event_id: str, time: int) -> StepFinish:
    given = _step_finished.decode(reader.plain(data)).step
    return StepFinish(
        index=given.index,
        name=reader.name("name", given.name),
        kind=None if given.kind is None else reader.name("kind", given.kind),
        state=State[given.state],
        output=reader.json(given.output),
        error=reader.failure(given.error),
        duration=None if given.duration_ms is None else round(given.duration_ms * 1000),
    )


def _log_line(reader: Reader, data: bytes, event_id: str, time: int) -> LogLine:
    given = _log_written.decode(reader.plain(data))
    attributes = reader.json(given.attributes, MAX_ATTRIBUTES)
    return LogLine(
        key=hashlib.blake2b(event_id.encode(), digest_size=16).hexdigest(),
        at=time,
        level=LogLevel[given.level],
        step=given.step,
        message=reader.cut(given.message, MAX_LOG_LINE),
        attributes=None if attributes is None else Text(attributes.text, attributes.size),
    )


BODIES: dict[str, Callable[[Reader, bytes, str, int], Body]] = {
    "execution.queued": _with_claims(Queued),
    "execution.started": _with_claims(Started),
    "execution.waiting": _with_claims(Waiting),
    "execution.heartbeat": _with_claims(Heartbeat),
    "execution.finished": _finish,
    "step.started": _step_start,
    "step.finished": _step_finish,
    "log.written": _log_line,
}
TYPES: dict[type[Body], str] = dict(
    zip(
        (Queued, Started, Waiting, Heartbeat, Finish, StepStart, StepFinish, LogLine),
        BODIES,
        strict=True,
    )
)
