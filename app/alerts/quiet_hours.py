"""Quiet hours of a rule: what it has to say then waits for their end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import msgspec

from app import clock
from app.errors import BadInput
from app.time_zones import zone_of

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class QuietHours(msgspec.Struct, frozen=True):
    """From a time of day to another, such as 22:00 to 07:00, in a time zone of the IANA database, each day."""

    start: str
    end: str
    time_zone: str

    def check(self) -> None:
        """BadInput for times or a zone that are none, and for hours without a length."""
        for name, value in (("from", self.start), ("to", self.end)):
            if not _TIME.fullmatch(value):
                raise BadInput(f"quietHours.{name}: must be a time of day such as 22:00, not {value[:20]!r}")
        if self.start == self.end:
            raise BadInput(f"quietHours.to: must differ from quietHours.from, {self.start}")
        zone_of(self.time_zone)

    def end_of(self, now: int) -> int | None:
        """When the quiet hours end that `now` is within, both in µs since the epoch; None: it is within none."""
        try:
            zone = zone_of(self.time_zone) or UTC
        except BadInput:
            return None  # this machine knows it no longer: better told at night than not at all
        local = datetime.fromtimestamp(now / clock.SECOND, zone)
        start, end, at = time.fromisoformat(self.start), time.fromisoformat(self.end), local.time()
        overnight = start > end
        within = at >= start or at < end if overnight else start <= at < end
        if not within:
            return None
        # By the clock on the wall: a night in which it is put back is an hour longer.
        day = local.date() + timedelta(days=int(overnight and at >= start))
        return clock.to_us(datetime.combine(day, end, zone).astimezone(UTC))


_DECODER = msgspec.json.Decoder(QuietHours)


def encoded(hours: QuietHours | None) -> str | None:
    """As they are stored."""
    return None if hours is None else msgspec.json.encode(hours).decode()


def decoded(stored: str | None) -> QuietHours | None:
    """From what is stored."""
    return None if stored is None else _DECODER.decode(stored)
