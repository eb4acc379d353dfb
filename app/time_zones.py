"""Time zones by their names in the IANA database."""

from __future__ import annotations

import re
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from app.errors import BadInput

# What systems keep beside the zones: copies, some with leap seconds, the machine's own zone, and a stand-in for none.
_NO_ZONES = re.compile("localtime|posixrules|Factory|(?:posix|right|SystemV)/.*")


def zone_of(name: str) -> ZoneInfo | None:
    """A time zone by its name in the IANA database; None for UTC. BadInput for an unknown one."""
    if name in ("UTC", "Etc/UTC"):
        return None
    if name not in _names():
        raise BadInput(f"timeZone: {name[:60]!r} is not a name of the IANA database, such as America/New_York")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # listed, and gone or unreadable on this machine
        raise BadInput(f"timeZone: this server cannot read the zone {name!r}") from None


@lru_cache(1)
def _names() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if not _NO_ZONES.fullmatch(name))
