"""Quiet hours: by the clock on the wall, over midnight and over changes of the clock."""

from __future__ import annotations

from datetime import datetime

import pytest

from app import clock
from app.alerts.quiet_hours import QuietHours, decoded, encoded
from app.errors import BadInput


def at(text: str) -> int:
    return clock.to_us(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        (("22:00", "07:00", "UTC"), "2026-05-01T21:59:59Z", None),
        (("22:00", "07:00", "UTC"), "2026-05-01T22:00:00Z", "2026-05-02T07:00:00Z"),
        (("22:00", "07:00", "UTC"), "2026-05-02T06:59:59Z", "2026-05-02T07:00:00Z"),
        (("22:00", "07:00", "UTC"), "2026-05-02T07:00:00Z", None),
        (("09:00", "17:30", "UTC"), "2026-05-02T12:00:00Z", "2026-05-02T17:30:00Z"),
        (("09:00", "17:30", "UTC"), "2026-05-02T18:00:00Z", None),
        # In Berlin: the night in which the clock is put back is an hour longer.
        (("22:00", "07:00", "Europe/Berlin"), "2026-10-24T20:30:00Z", "2026-10-25T06:00:00Z"),
        (("22:00", "07:00", "Europe/Berlin"), "2026-10-23T20:30:00Z", "2026-10-24T05:00:00Z"),
        (("22:00", "07:00", "Asia/Kathmandu"), "2026-05-01T16:15:00Z", "2026-05-02T01:15:00Z"),
    ],
)
def test_their_end(hours: tuple[str, str, str], now: str, end: str | None) -> None:
    quiet = QuietHours(*hours)
    quiet.check()
    assert decoded(encoded(quiet)) == quiet
    assert quiet.end_of(at(now)) == (None if end is None else at(end))


def test_zone_that_is_known_no_longer_holds_nothing_back() -> None:
    assert QuietHours("00:00", "23:59", "right/UTC").end_of(at("2026-05-01T12:00:00Z")) is None


@pytest.mark.parametrize(
    ("hours", "named"),
    [
        (("24:00", "07:00", "UTC"), "quietHours.from"),
        (("22:00", "7:00", "UTC"), "quietHours.to"),
        (("22:00", "22:00", "UTC"), "quietHours.to"),
        (("22:00", "07:00", "Mars/Olympus"), "timeZone"),
    ],
)
def test_invalid_ones(hours: tuple[str, str, str], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        QuietHours(*hours).check()
