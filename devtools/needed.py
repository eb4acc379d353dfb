"""The part of requirements.lock that the named packages need; without names, what running Runwatch needs.

The Dockerfile builds the image from it, because the lock has development packages too. Standard library only.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

# An entry: "name==version …", its hashes, and uv's notes of who asked for it.
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==.*(?:\n .*)*", re.MULTILINE)
ASKED_BY = re.compile(r"^    #(?: via)? +([A-Za-z0-9][A-Za-z0-9._-]*)$", re.MULTILINE)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def needed(lock: str, names: Iterable[str]) -> str:
    """Those entries, as in the lock; ValueError for an unknown name."""
    entries: dict[str, list[str]] = {}
    askers: dict[str, set[str]] = {}
    for match in ENTRY.finditer(lock):  # one name has several entries where platforms differ
        name = canonical(match["name"])
        entries.setdefault(name, []).append(match[0])
        askers.setdefault(name, set()).update(map(canonical, ASKED_BY.findall(match[0])))
    found: set[str] = set()
    more = set(map(canonical, names))
    if missing := more - entries.keys():
        raise ValueError(f"not locked: {', '.join(sorted(missing))}")
    while more:
        found |= more
        more = {name for name, by in askers.items() if by & found} - found
    return "".join(f"{entry}\n" for name, parts in entries.items() if name in found for entry in parts)


def for_running(project: str) -> list[str]:
    """The requirements in pyproject.toml, its extras included."""
    table = tomllib.loads(project)["project"]
    extras = table.get("optional-dependencies", {}).values()
    return [NAME.match(each)[0] for group in (table["dependencies"], *extras) for each in group]  # type: ignore[index]


def canonical(name: str) -> str:
    """A name in normalised form."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    wanted = sys.argv[1:] or for_running(Path("pyproject.toml").read_text())
    print(needed(Path("requirements.lock").read_text(), wanted), end="")
