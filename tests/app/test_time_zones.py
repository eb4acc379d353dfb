"""Names of time zones: those of the IANA database, and nothing else."""

from __future__ import annotations

import pytest

from app.errors import BadInput
from app.time_zones import _names, zone_of


def test_names_are_those_of_the_database() -> None:
    assert zone_of("UTC") is None
    assert str(zone_of("Asia/Kathmandu")) == "Asia/Kathmandu"
    for name in ("Europe/Atlantis", "../../etc/passwd", "", "a" * 10_000, "America"):
        with pytest.raises(BadInput, match="timeZone"):
            zone_of(name)


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "posix/UTC", "right/UTC", "SystemV/EST5"])
def test_what_lies_beside_the_zones_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.time_zones.available_timezones", lambda: {name, "Europe/Paris"})
    monkeypatch.setattr("app.time_zones._names", _names.__wrapped__)
    assert zone_of("Europe/Paris")
    with pytest.raises(BadInput, match="is not a name of the IANA database, such as America/New_York"):
        zone_of(name)
