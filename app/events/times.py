"""Times as engines write them: RFC 3339, and what libraries write in its place. To microseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Annotated

import msgspec

from app import clock
from app.errors import BadInput
from app.time_zones import zone_of

_AWARE = Annotated[datetime, msgspec.Meta(tz=True)]
# After the last moment that can be shown.
_END = 253_402_300_800 * clock.SECOND
MAX_LENGTH = 100

# Java leaves out seconds of 0 and names the zone in brackets, Postgres writes hours alone as an offset, Ruby spaces and
# Python's logging a comma, and ISO 8601 allows it all without hyphens and colons.
_TIME = re.compile(
    r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})[Tt _]([0-9]{2})(:?)([0-9]{2})(?:\6([0-9]{2})(?:[.,]([0-9]+))?)?"
    r" ?(?:(?P<utc>[Zz]|UTC|GMT)|(?P<sign>[+\-\u2212])([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2}))?)?)?"
    r"(?P<brackets>(?:\[[!A-Za-z0-9_+\-/=:]+\])*)"
)


def parse(text: str) -> tuple[int, bool]:
    """The time, and whether the text says in which zone it is; without one it is taken as UTC. BadInput for no time."""
    try:
        # The usual form, at the speed of C: with seconds, a full stop, and an offset with minutes.
        return clock.to_us(msgspec.convert(text, _AWARE)), True
    except (msgspec.ValidationError, OverflowError):
        pass
    try:
        return _odd(text)
    except (ValueError, OverflowError):
        raise BadInput(f"not a time in RFC 3339, such as 2026-11-23T09:00:00Z: {text[:60]!r}") from None


def within_range(time: int) -> int:
    """The time itself; BadInput before 1970 or after the year 9999."""
    if time < 0:
        raise BadInput("before 1970")
    if time >= _END:
        raise BadInput("after the year 9999")
    return time


def _odd(text: str) -> tuple[int, bool]:
    found = _TIME.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise ValueError(text)
    year, _, month, day, hour, _, minute, second, fraction = found.groups()[:9]
    seconds = int(second or 0)
    leap = seconds == 60  # the clocks that we compare with have none: it is the second after
    # Of 24:00 too, the end of a day.
    midnight = int(hour) == 24 and int(minute) == seconds == 0 and not (fraction or "").strip("0")
    zone = _offset(found) or _named(found["brackets"])
    hours = 0 if midnight else int(hour)
    at = datetime(int(year), int(month), int(day), hours, int(minute), 59 if leap else seconds, tzinfo=zone or UTC)
    more = timedelta(days=midnight, seconds=leap, microseconds=_microseconds(fraction or ""))
    return clock.to_us(at + more), zone is not None


def _microseconds(fraction: str) -> int:
    """Rounded, as msgspec does."""
    return round(int(fraction[:9].ljust(9, "0")) / 1000)


def _offset(found: re.Match[str]) -> timezone | None:
    if found["utc"]:
        return UTC
    if not found["sign"]:
        return None
    hours, minutes, seconds = (int(each or 0) for each in found.groups()[11:14])
    if minutes > 59 or seconds > 59:
        raise ValueError
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(offset if found["sign"] == "+" else -offset)


def _named(brackets: str) -> tzinfo | None:
    """The zone in brackets, where nothing else says it; ValueError for an unknown one."""
    names = [each.removeprefix("!") for each in brackets.strip("[]").split("][") if each and "=" not in each]
    if not names:
        return None
    try:
        return zone_of(names[0]) or UTC
    except BadInput as error:
        raise ValueError(names[0]) from error
