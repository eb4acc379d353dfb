"""What a rejected event says all the same: which one it is, and secrets that accepted events of its run may repeat."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from app.events import Event, Rejection, wire
from app.events.data import Reader
from app.events.sizes import MAX_NAME

Run = tuple[str, str]  # source and subject
Secrets = defaultdict[Run, frozenset[str]]

_loose = msgspec.json.Decoder(wire.Loose)


def rejection(index: int, part: bytes, reader: Reader, error: str, secrets: Secrets) -> Rejection:
    """Why the event in `part` was rejected; adds to `secrets` what its data would have sealed."""
    try:
        found = _loose.decode(reader.plain(part))
    except (msgspec.MsgspecError, RecursionError):
        return Rejection(index, None, error)
    if isinstance(found.source, str) and isinstance(found.subject, str):
        secrets[reader.text(found.source), reader.text(found.subject)] |= reader.secrets_in(_data_of(found))
    return Rejection(
        index, shown_name(found.id), error, shown_name(found.source), shown_name(found.type), shown_name(found.subject)
    )


def shown_name(value: object) -> str | None:
    """A name that is fit to be shown and kept."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        return None
    return value.replace("\0", "\ufffd").encode(errors="replace").decode()


def secrets_of(rejected: Iterable[Event]) -> Secrets:
    """What events have sealed that are rejected later than by their form."""
    found = Secrets(frozenset)
    for event in rejected:
        found[event.source, event.subject] |= event.secrets
    return found


def with_secrets(events: Iterable[Event], secrets: Secrets) -> list[Event]:
    """The events; the first of each run knows the secrets of the run's rejected ones too, since it may tell of them."""
    left = {run: values for run, values in secrets.items() if values}
    return [
        msgspec.structs.replace(event, secrets=event.secrets | more)
        if left and (more := left.pop((event.source, event.subject), None))
        else event
        for event in events
    ]


def _data_of(found: wire.Loose) -> bytes:
    """JSON, or nothing."""
    if not isinstance(found.data_base64, str):
        return bytes(found.data)
    try:
        data = b64decode(found.data_base64, validate=True)
        msgspec.json.decode(data, type=msgspec.Raw)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return b""
    return data
