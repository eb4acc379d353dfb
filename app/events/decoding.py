"""Bodies of POST /api/events to events: CloudEvents 1.0, decoded, checked, cut to size, and their secrets sealed.

In structured mode, alone or several together, or in binary mode, with the attributes in headers (binary.py).

A bad event never takes good ones with it: each is decoded by itself, and its index identifies what is wrong. Payloads
stay the JSON text that was sent; a decoder that makes numbers of them loses digits.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from io import BytesIO
from itertools import islice

import msgspec

from app import clock
from app.engines import check_name
from app.errors import BadInput, LimitExceeded
from app.events import Batch, Event, Rejection, wire
from app.events.data import BODIES, Reader, Rejected
from app.events.jsontext import MAX_DEPTH, Markers, depth_exceeds, repair, split_array
from app.events.rejections import Secrets, rejection, shown_name, with_secrets
from app.lifecycle import TimeMark
from app.secrets.sealing import Sealer

# An array may have as many elements and one. The decoder holds up all threads while it makes them, for 80 ns each.
MANY_COMMAS = 200_000
# Clocks that are kept and messages that take their time differ by less, in either direction.
MAX_AHEAD = clock.SECOND
# No clock is so wrong, but by accident; and as the latest report of all it could never be corrected.
MAX_WRONG = 366 * clock.DAY


class Form(Enum):
    """How a body contains its events."""

    SINGLE = "application/cloudevents+json"
    BATCH = "application/cloudevents-batch+json"
    LINES = "application/x-ndjson"


# What Content-Type may say: lines of JSON have never been registered, and so have many names.
FORMS = {form.value: form for form in Form} | {
    f"application/{name}": Form.LINES for name in ("ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines")
}

_envelope = msgspec.json.Decoder(wire.Envelope)
_array = msgspec.json.Decoder(list[msgspec.Raw])


def decode(body: bytes, form: Form, *, now: int, sealer: Sealer, limit: int = 10_000) -> Batch:
    """The events of a body, and why the others are rejected. `now` is their receipt, which bounds their times.

    BadInput when the body as a whole is not JSON or holds no CloudEvent at all, LimitExceeded when it has more than
    `limit` events.
    """
    body, markers = repair(_utf8(body))
    if form is Form.SINGLE:
        parts = [body]
    elif form is Form.BATCH:
        parts = _split_batch(body, limit + 1)
    else:
        # Each may begin with a mark: lines of several files, one after the other.
        lines = (line.strip().removeprefix(BOM_UTF8).strip() for line in BytesIO(body))
        parts = list(islice(filter(None, lines), limit + 1))
    if len(parts) > limit:
        raise LimitExceeded(f"More than {limit} events in one body; send them in several")
    batch = _decode_each(parts, markers, now, sealer)
    if form is not Form.BATCH or parts:
        _refuse_what_is_no_cloud_event(parts, batch, form)
    return batch


def decode_binary(attributes: Mapping[str, str], data: bytes, *, now: int, sealer: Sealer) -> Batch:
    """The event with these attributes and this data, or why it is rejected. BadInput when it is no CloudEvent."""
    data = _utf8(data)
    try:
        envelope = msgspec.convert(attributes, wire.Envelope)
    except msgspec.MsgspecError as error:
        raise BadInput(f"The headers are not those of a CloudEvent (ce-id, ce-type, …): {error}") from None
    data, markers = repair(data)
    reader = Reader(markers, sealer)
    try:
        return Batch([_event(0, envelope, reader, data or b"null", reader, now)], [])
    except (Rejected, msgspec.MsgspecError) as error:
        names = (shown_name(each) for each in (envelope.source, envelope.type, envelope.subject))
        return Batch([], [Rejection(0, shown_name(envelope.id), str(error), *names)])


def _utf8(body: bytes) -> bytes:
    """Itself, without a byte order mark. BadInput unless it is UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"The body is not UTF-8 at byte {error.start}") from None
    return body.removeprefix(BOM_UTF8)


def _split_batch(body: bytes, most: int) -> list[bytes]:
    try:
        if body.count(b",") <= MANY_COMMAS:
            return [bytes(part) for part in islice(_array.decode(body), most)]
    except RecursionError:
        pass
    except msgspec.MsgspecError as error:
        raise BadInput(f"The body is not a JSON array of events: {error}") from None
    parts = split_array(body)
    if parts is None:
        raise BadInput("The body is not a JSON array of events")
    return list(islice(parts, most))


def _decode_each(parts: Iterable[bytes], markers: Markers | None, now: int, sealer: Sealer) -> Batch:
    events: list[Event] = []
    rejected: list[Rejection] = []
    secrets = Secrets(frozenset)
    for index, part in enumerate(parts):
        try:
            events.append(_decode_event(index, part, markers, now, sealer))
        except RecursionError:
            rejected.append(Rejection(index, None, f"The event is nested more than {MAX_DEPTH} levels deep"))
        except (Rejected, msgspec.MsgspecError) as error:
            rejected.append(rejection(index, part, Reader(markers, sealer), str(error), secrets))
    return Batch(with_secrets(events, secrets), rejected)


def _refuse_what_is_no_cloud_event(parts: list[bytes], batch: Batch, form: Form) -> None:
    """A body without any CloudEvent was meant for another address: refuse it instead of accepting 0 events."""
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


def _decode_event(index: int, part: bytes, markers: Markers | None, now: int, sealer: Sealer) -> Event:
    reader = Reader(markers, sealer)
    envelope = _envelope.decode(reader.plain(part))
    if envelope.data_base64 is None:
        # The data keeps its markers: what becomes of them depends on where they are.
        data = bytes(envelope.data if markers is None else _envelope.decode(part).data)
        return _event(index, envelope, reader, data, reader, now)
    data, inner = repair(_unpacked(envelope))
    return _event(index, envelope, reader, data, Reader(inner, sealer), now)


def _unpacked(envelope: wire.Envelope) -> bytes:
    """The JSON in data_base64, as it was sent."""
    if bytes(envelope.data) != b"null":
        raise Rejected("data_base64: beside data, which says the same")
    content_type = (envelope.datacontenttype or "application/json").partition(";")[0].strip().lower()
    if not content_type.endswith(("/json", "+json")):
        raise Rejected(f"data_base64: {content_type[:80]!r} as its datacontenttype; only JSON can be read")
    try:
        data = b64decode(envelope.data_base64 or "", validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("data_base64: not Base64") from None
    try:
        return _utf8(data) or b"null"
    except BadInput:
        raise Rejected("data_base64: not JSON in UTF-8") from None


def _event(index: int, envelope: wire.Envelope, reader: Reader, data: bytes, data_reader: Reader, now: int) -> Event:
    """One event; its attributes and its data have readers of their own where they were repaired apart."""
    body_of = BODIES.get(envelope.type)
    if body_of is None:
        raise Rejected(f"type: unknown: {envelope.type[:100]!r}; known: {', '.join(BODIES)}")
    time = reader.time("time", envelope.time)
    marks, bound = reader.marks, None
    if time > now + MAX_WRONG:
        raise Rejected("time: more than a year ahead of the server's clock")
    if time > now + MAX_AHEAD:
        marks, bound = marks | TimeMark.CLOCK_AHEAD, now
    event_id = reader.name("id", envelope.id)
    if depth_exceeds(data):
        raise Rejected(f"data: nested more than {MAX_DEPTH} levels deep")
    body = body_of(data_reader, data, event_id, time if bound is None else bound)
    return Event(
        index=index,
        id=event_id,
        source=_source(envelope.source),
        subject=reader.name("subject", envelope.subject),
        time=time,
        body=body,
        secrets=data_reader.secrets,
        claims_retries=envelope.runwatchclaims == "1",
        marks=marks | data_reader.marks,
        bound=bound,
    )


# It looks at every character: a third of decoding, spent on a name that all events of an engine share.
_checked = lru_cache(maxsize=1024)(check_name)


def _source(name: str) -> str:
    if "\ufffd" in name:
        raise Rejected("source: contains NUL or half a surrogate pair")  # it names an engine
    try:
        return _checked(name, "source")
    except BadInput as error:
        raise Rejected(error.message) from None
