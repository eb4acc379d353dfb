"""Bodies of POST /api/events to events: CloudEvents 1.0, decoded, checked and brought to size; pure.

One bad event never takes good ones with it: each is decoded by itself, and what is wrong with it is said by its place.
Payloads stay the JSON text that was sent; a decoder that makes numbers of them loses digits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from app import clock, ids, wire
from app.engines import check_name
from app.errors import BadInput, LimitExceeded
from app.events import (
    Batch,
    Claims,
    Event,
    Failure,
    Finish,
    Kind,
    LogLevel,
    LogLine,
    Rejection,
    StepFinish,
    StepStart,
    Text,
    TriggerData,
)
from app.jsontext import MAX_DEPTH, Markers, depth_exceeds, repair, split_array
from app.lifecycle import State
from app.wire import MAX_STEPS

KIB = 1024
MAX_MESSAGE = 8 * KIB
MAX_STACK_TRACE = 256 * KIB
MAX_LOG_LINE = 64 * KIB
MAX_DATA = 256 * KIB
MAX_NAME = 300  # characters of a name or an engine's own id; below the 2,704 bytes of a Postgres index entry
MAX_AHEAD = 5 * clock.MINUTE


class Form(Enum):
    """How a body holds its events."""

    SINGLE = "application/cloudevents+json"
    BATCH = "application/cloudevents-batch+json"
    LINES = "application/x-ndjson"


class _Rejected(Exception):
    """Why one event cannot be taken."""


_envelope = msgspec.json.Decoder(wire.Envelope)
_id_only = msgspec.json.Decoder(wire.IdOnly)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_claims = msgspec.json.Decoder(wire.ClaimsData | None)
_trigger_data = msgspec.json.Decoder(wire.TriggerDataOnly)
_finished = msgspec.json.Decoder(wire.FinishedData)
_step_started = msgspec.json.Decoder(wire.StepStartedData)
_step_finished = msgspec.json.Decoder(wire.StepFinishedData)
_log_written = msgspec.json.Decoder(wire.LogWrittenData)


def decode(body: bytes, form: Form, *, now: int, most: int = 10_000) -> Batch:
    """The events of a body, and why the others are rejected; events more than 5 minutes after `now` are.

    BadInput when the body as a whole is not JSON or holds no CloudEvent at all, LimitExceeded when it has more than
    `most` events.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"The body is not UTF-8 at byte {error.start}") from None
    body, markers = repair(body)
    if form is Form.SINGLE:
        parts = [body]
    elif form is Form.BATCH:
        parts = _split_batch(body)
    else:
        parts = [line for line in body.split(b"\n") if line.strip()]
    if len(parts) > most:
        raise LimitExceeded(f"{len(parts)} events in one body; at most {most} are taken at once")
    batch = _decode_each(parts, markers, now)
    if form is not Form.BATCH or parts:
        _refuse_what_is_no_cloud_event(parts, batch, form)
    return batch


def _split_batch(body: bytes) -> list[bytes]:
    try:
        return [bytes(part) for part in _array.decode(body)]
    except RecursionError:
        parts = split_array(body)
        if parts is not None:
            return list(parts)
        raise BadInput("The body is not a JSON array of events") from None
    except msgspec.MsgspecError as error:
        raise BadInput(f"The body is not a JSON array of events: {error}") from None


def _decode_each(parts: Iterable[bytes], markers: Markers | None, now: int) -> Batch:
    events: list[Event] = []
    rejected: list[Rejection] = []
    for index, part in enumerate(parts):
        try:
            events.append(_decode_event(index, part, markers, now))
        except _Rejected as error:
            rejected.append(Rejection(index, _id_of(part, markers), str(error)))
        except RecursionError:
            rejected.append(Rejection(index, None, f"The event is nested more than {MAX_DEPTH} deep"))
        except msgspec.MsgspecError as error:
            rejected.append(Rejection(index, _id_of(part, markers), str(error)))
    return Batch(events, rejected)


def _id_of(part: bytes, markers: Markers | None) -> str | None:
    try:
        found = _id_only.decode(_Reader(markers).plain(part)).id
    except (msgspec.MsgspecError, RecursionError):
        return None
    return found if found is None or len(found) <= MAX_NAME else None


def _refuse_what_is_no_cloud_event(parts: list[bytes], batch: Batch, form: Form) -> None:
    """A body in which nothing is a CloudEvent was meant for another address; say so instead of accepting 0 events."""
    if batch.events:
        return
    for part in parts:
        try:
            _envelope.decode(part)
        except RecursionError:
            return
        except msgspec.MsgspecError:
            continue
        return
    reason = batch.rejected[0].error if batch.rejected else "it is empty"
    raise BadInput(f"The body is not {form.value}: {reason}")


def _decode_event(index: int, part: bytes, markers: Markers | None, now: int) -> Event:
    reader = _Reader(markers)
    envelope = _envelope.decode(reader.plain(part))
    body_of = _BODIES.get(envelope.type)
    if body_of is None:
        raise _Rejected(f"Unknown type {envelope.type[:100]!r}; known are {', '.join(_BODIES)}")
    time = clock.to_us(envelope.time)
    if time > now + MAX_AHEAD:
        raise _Rejected("time is more than 5 minutes ahead of this server's clock")
    if time < 0:
        raise _Rejected("time is before 1970")
    event_id = reader.name("id", envelope.id)
    # The data keep their markers: what becomes of those depends on where they are.
    data = bytes(envelope.data if markers is None else _envelope.decode(part).data)
    if depth_exceeds(data):
        raise _Rejected(f"data is nested more than {MAX_DEPTH} deep")
    return Event(
        index=index,
        id=event_id,
        source=_source(envelope.source),
        subject=reader.name("subject", envelope.subject),
        time=time,
        body=body_of(reader, data, event_id, time),
    )


# It looks at every character: a third of decoding, spent on a name that all events of an engine share.
_checked = lru_cache(maxsize=1024)(check_name)


def _source(name: str) -> str:
    if "\ufffd" in name:
        raise _Rejected("source has characters that were replaced because no text holds them")  # it names an engine
    try:
        return _checked(name, "source")
    except BadInput as error:
        raise _Rejected(error.message) from None


class _Reader:
    """Reads the parts of one event's data, with the markers of its body in mind."""

    def __init__(self, markers: Markers | None) -> None:
        self._markers = markers

    def plain(self, raw: bytes) -> bytes:
        return raw if self._markers is None else self._markers.plain(raw)

    def text(self, value: str) -> str:
        """Text that every database takes: no NUL, no half pairs."""
        if self._markers is not None:
            value = self._markers.text(value)
        return value.replace("\0", "\ufffd") if "\0" in value else value

    def name(self, what: str, value: str, most: int = MAX_NAME) -> str:
        if not value:
            raise _Rejected(f"{what} is empty")
        if len(value) > most:
            raise _Rejected(f"{what} is longer than {most} characters")
        return self.text(value)

    def cut(self, value: str, most: int) -> Text:
        value = self.text(value)
        if len(value) * 4 <= most:
            return Text(value, len(value) if value.isascii() else len(value.encode()))
        encoded = value.encode()
        if len(encoded) <= most:
            return Text(value, len(encoded))
        return Text(encoded[:most].decode(errors="ignore"), len(encoded))

    def json(self, raw: msgspec.Raw, most: int = MAX_DATA) -> Text | None:
        """JSON text; when it is too long, a JSON object that says so and shows how it begins."""
        if not (data := bytes(raw)):
            return None
        data = self.plain(data)
        if len(data) <= most:
            return Text(data.decode(), len(data))
        return Text(_beginning(data, most), len(data))

    def failure(self, error: wire.FailureData | None) -> Failure | None:
        if error is None:
            return None
        return Failure(
            type=None if error.type is None else self.cut(error.type, KIB).value,
            message=None if error.message is None else self.cut(error.message, MAX_MESSAGE),
            stack_trace=None if error.stack_trace is None else self.cut(error.stack_trace, MAX_STACK_TRACE),
            step=error.step,
        )

    def trigger_data(self, raw: msgspec.Raw, claims: bytes) -> TriggerData | None:
        """The trigger's data: `raw`, or what they were in `claims` before they were made plain."""
        if not (data := bytes(raw)):
            return None
        changed = False
        if self._markers is not None:
            data, changed = self._markers.original(bytes(_trigger_data.decode(claims).trigger.data))
        if len(data) > MAX_DATA:
            return TriggerData(_beginning(data, MAX_DATA), len(data), True)
        return TriggerData(data.decode(), len(data), changed)


def _beginning(data: bytes, most: int) -> str:
    # Half of the room, because a text of quotes or backslashes doubles when it is quoted again.
    start = data[: most // 2 - 100].decode(errors="ignore")
    return orjson.dumps({"truncated": True, "bytes": len(data), "start": start}).decode()


def _claims_of(kind: Kind) -> Callable[[_Reader, bytes, str, int], tuple[Kind, Claims]]:
    def read(reader: _Reader, data: bytes, event_id: str, time: int) -> tuple[Kind, Claims]:
        given = _claims.decode(reader.plain(data)) or wire.ClaimsData()
        trigger = given.trigger
        definition = given.definition
        if definition is not None and len(definition) > MAX_STEPS:
            raise _Rejected(f"definition names more than {MAX_STEPS} steps")
        return kind, Claims(
            workflow=None if given.workflow is None else reader.name("workflow", given.workflow),
            trigger_kind=None if trigger is None else reader.name("trigger.kind", trigger.kind or "unknown", 100),
            trigger_data=None if trigger is None else reader.trigger_data(trigger.data, data),
            retry_of=None if given.retry_of is None else _execution_id(given.retry_of),
            definition=None if definition is None else tuple(reader.name("definition", name) for name in definition),
        )

    return read


def _execution_id(text: str) -> str:
    found = ids.from_global("execution", text)
    if found is None:
        raise _Rejected("retryOf is not the id of an execution")
    return found


def _finish(reader: _Reader, data: bytes, event_id: str, time: int) -> Finish:
    given = _finished.decode(reader.plain(data))
    return Finish(State[given.state], reader.failure(given.error))


def _step_start(reader: _Reader, data: bytes, event_id: str, time: int) -> StepStart:
    given = _step_started.decode(reader.plain(data)).step
    kind = None if given.kind is None else reader.name("kind", given.kind)
    return StepStart(given.index, reader.name("name", given.name), kind, reader.json(given.input))


def _step_finish(reader: _Reader, data: bytes, event_id: str, time: int) -> StepFinish:
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


def _log_line(reader: _Reader, data: bytes, event_id: str, time: int) -> LogLine:
    given = _log_written.decode(reader.plain(data))
    attributes = reader.json(given.attributes, MAX_LOG_LINE)
    return LogLine(
        key=hashlib.blake2b(event_id.encode(), digest_size=16).hexdigest(),
        at=time,
        level=LogLevel[given.level],
        step=given.step,
        message=reader.cut(given.message, MAX_LOG_LINE),
        attributes=None if attributes is None else attributes.value,
    )


_BODIES: dict[str, Callable[[_Reader, bytes, str, int], Any]] = {
    **{kind.value: _claims_of(kind) for kind in Kind},
    "execution.finished": _finish,
    "step.started": _step_start,
    "step.finished": _step_finish,
    "log.written": _log_line,
}
