"""Times in every shape that engines send."""

from __future__ import annotations

import pytest

from app import clock
from app.errors import BadInput
from app.events import times


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T09:00:00Z", "2026-11-23T09:00:00.000000Z"),
        ("2026-11-23t09:00:00.5z", "2026-11-23T09:00:00.500000Z"),
        ("2026-11-23 09:00:00+00:00", "2026-11-23T09:00:00.000000Z"),
        ("2026-11-23T09:00:00.1234567Z", "2026-11-23T09:00:00.123457Z"),  # .NET
        ("2026-11-23T09:00:00.999999999+01:00", "2026-11-23T08:00:01.000000Z"),  # Go
        ("2026-11-23T09:00Z", "2026-11-23T09:00:00.000000Z"),  # Java's Instant, of seconds that are 0
        ("2026-11-23T09:00+05:30", "2026-11-23T03:30:00.000000Z"),
        ("2026-11-23T09:00:00,123Z", "2026-11-23T09:00:00.123000Z"),  # Python's logging, ISO 8601
        ("2026-11-23T09:00:00,9999996+01", "2026-11-23T08:00:01.000000Z"),
        ("2026-11-23 09:00:00.25+02", "2026-11-23T07:00:00.250000Z"),  # Postgres
        ("2026-11-23T09:00:00-0330", "2026-11-23T12:30:00.000000Z"),
        ("2026-11-23T09:00:00+01:00[Europe/Paris]", "2026-11-23T08:00:00.000000Z"),  # Java's ZonedDateTime
        ("2026-11-23T09:00Z[UTC]", "2026-11-23T09:00:00.000000Z"),
        ("2026-11-23T09:00:00+01:00[!Europe/Paris][u-ca=iso8601]", "2026-11-23T08:00:00.000000Z"),  # RFC 9557
        ("2026-07-23T09:00:00[Europe/Paris]", "2026-07-23T07:00:00.000000Z"),
        ("2026-11-23 09:00:00 +0100", "2026-11-23T08:00:00.000000Z"),  # Ruby
        ("2026-11-23 09:00:00 UTC", "2026-11-23T09:00:00.000000Z"),
        ("20261123T090000.5Z", "2026-11-23T09:00:00.500000Z"),
        ("2026-11-23T09:00:00\u221201:00", "2026-11-23T10:00:00.000000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
        ("2017-01-01T05:29:60.25+05:30", "2017-01-01T00:00:00.250000Z"),
        ("2026-11-22T24:00:00Z", "2026-11-23T00:00:00.000000Z"),
    ],
)
def test_time_is_read_in_every_shape(text: str, moment: str) -> None:
    found, zoned = times.parse(text)
    assert (clock.to_rfc3339(found), zoned) == (moment, True)


@pytest.mark.parametrize("text", ["2026-11-23T09:00:00", "2026-11-23 09:00", "2026-11-23T09:00:00.000[u-ca=iso8601]"])
def test_time_without_a_zone_is_taken_as_utc(text: str) -> None:
    found, zoned = times.parse(text)
    assert (clock.to_rfc3339(found), zoned) == ("2026-11-23T09:00:00.000000Z", False)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2026-11-23", "1763888400", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z"),
        *("2026-11-23T24:00:01Z", "2026-11-23T09:60:00Z", "2026-11-23T09:00:61Z", "2026-11-23T09:00:00+24:00"),
        *("2026-11-23T09:00:00+01:60", "2026-11-23T09:00:00[Europe/Atlantis]", "2026-11-23T09:00:00[../etc/passwd]"),
        *(f"2026-11-23T09:00:00[{name}]" for name in ("localtime", "posixrules", "right/Europe/Paris", "Factory")),
        *(
            "0000-01-01T00:00:00Z",
            "2026-11-23T0900:00Z",
            "2026-11-23T09:00:00Z" + " " * 9999,
        ),
        *("\u0662026-11-23T09:00:00Z", "2026-11-23T09:00:00Z\n", "9999-12-31T23:59:60Z"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a time in RFC 3339") as refused:
        times.within_range(times.parse(text)[0])
    assert len(refused.value.message) < 150


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59.9999999Z"]
)
def test_time_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        times.within_range(times.parse(text)[0])
