"""Whether requirements.lock matches pyproject.toml, offline: every requirement must be locked, at a fitting version."""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
# uv notes why each package is there; our direct requirements come "via" pyproject.toml.
DIRECT = re.compile(r"^    # (?:via|  ) .*\(pyproject\.toml")


def problems(project: str, lock: str) -> list[str]:
    """The problems, a sentence each."""
    wanted = [Requirement(text) for text in _requirements(tomllib.loads(project))]
    pinned, direct = _read_lock(lock.splitlines())
    found = [] if "://" not in lock else ["requirements.lock names a host: lock it with ./dev fix --lock"]
    for requirement in wanted:
        versions = pinned.get(canonicalize_name(requirement.name), [])
        if not versions:
            found.append(f"{requirement} is not locked")
        elif not any(requirement.specifier.contains(version, prereleases=True) for version in versions):
            found.append(f"{requirement} is locked at {', '.join(map(str, versions))}")
    left = direct - {canonicalize_name(requirement.name) for requirement in wanted}
    return found + [f"{name} is locked but no longer needed" for name in sorted(left)]


def _requirements(project: dict[str, dict[str, list[str]]]) -> Iterable[str]:
    yield from project["project"].get("dependencies", [])
    for group in project.get("dependency-groups", {}).values():
        yield from group
    yield from project.get("build-system", {}).get("requires", [])


def _read_lock(lines: Iterable[str]) -> tuple[dict[str, list[Version]], set[str]]:
    """The locked versions of each package (several where platforms differ), and the direct requirements."""
    pinned: dict[str, list[Version]] = {}
    direct: set[str] = set()
    name = ""
    for line in lines:
        if match := PINNED.match(line):
            name = canonicalize_name(match["name"])
            pinned.setdefault(name, []).append(Version(match["version"]))
        elif DIRECT.match(line):
            direct.add(name)
    return pinned, direct


if __name__ == "__main__":
    found = problems(Path("pyproject.toml").read_text(), Path("requirements.lock").read_text())
    print("\n".join([*found, "./dev fix --lock renews it."] if found else ["in step"]))
    sys.exit(bool(found))
