"""Names of time zones: those of the IANA database, and nothing else."""

from __future__ import annotations

import pytest

from app.errors import BadInput
from app.time_zones import zone_of


def test_names_are_those_of_the_database() -> None:
    assert zone_of("UTC") is None
    assert str(zone_of("Asia/Kathmandu")) == "Asia/Kathmandu"
    for name in ("Europe/Atlantis", "../../etc/passwd", "", "posixrules", "a" * 10_000, "America"):
        with pytest.raises(BadInput, match="timeZone"):
            zone_of(name)
