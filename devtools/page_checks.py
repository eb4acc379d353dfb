"""Checks of the page: types, lint, unit tests, sizes. Each is a process of its own, with its name as the argument."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.check import NOT_MADE
from devtools.environment import SetupError
from devtools.page import Page, Unreachable

ENTRY, EARLY = "index.html", "assets/early-*.js"
KILO = 1_000


@dataclass(frozen=True)
class Budget:
    """How much a load may be, in bytes of gzip -9: of history, or what another page adds to it."""

    what: str
    suffix: str
    limit: int
    load: str = "the first load"
    chunks: tuple[str, ...] = ()  # what the other page imports later, by their names in the manifest


METRICS = ("src/metrics/page.tsx", "src/metrics/plot.tsx")  # the page, and the library of its charts
BUDGETS = (
    Budget("JavaScript", ".js", 130 * KILO),
    Budget("CSS", ".css", 12 * KILO),
    Budget("JavaScript", ".js", 40 * KILO, "the metrics page, on top", METRICS),
)


def types(page: Page) -> None:
    """What TypeScript says of all sources, and the schema of all documents."""
    page.install()
    page.run("tsc", "--noEmit")
    page.run("gql.tada", "check")


def lint(page: Page) -> None:
    """What oxlint says."""
    page.install()
    page.run("oxlint", "--deny-warnings")


def fix(page: Page) -> None:
    """Apply what oxlint would change by itself; what it leaves, the check says."""
    page.run("oxlint", "--fix", "--quiet")


def unit(page: Page) -> None:
    """The tests that need no browser."""
    page.install()
    page.run("vitest", "run")


def size(page: Page) -> None:
    """Print what the first load of history weighs, and hold it to its budget."""
    page.build()
    lines, over = weigh(page.dist)
    print("\n".join(lines))
    if over:
        raise SetupError(f"over its budget: {', '.join(over)}")


def weigh(dist: Path) -> tuple[list[str], list[str]]:
    """A line for each budget, and the names of those that are exceeded."""
    lines, over = [], []
    manifest = json.loads((dist / ".vite" / "manifest.json").read_text())
    first = first_load(manifest, ENTRY) | {path.relative_to(dist).as_posix() for path in dist.glob(EARLY)}
    for budget in BUDGETS:
        later = {file for chunk in budget.chunks for file in first_load(manifest, chunk)}
        files = later - first if later else first
        sizes = {name: zipped(dist / name) for name in sorted(files) if name.endswith(budget.suffix)}
        total = sum(sizes.values())
        parts = ", ".join(f"{Path(name).name} {bytes_ / KILO:.1f}" for name, bytes_ in sizes.items())
        lines.append(
            f"{budget.what} of {budget.load}, gzip: {total / KILO:.1f} of {budget.limit / KILO:.0f} kB ({parts})"
        )
        if total > budget.limit:
            over.append(f"{budget.what} of {budget.load}")
    return lines, over


def first_load(manifest: dict[str, Any], entry: str) -> set[str]:
    """The files that an entry of Vite's manifest loads before anything is asked for: not what it imports later."""
    found: set[str] = set()
    seen: set[str] = set()
    more = {entry}
    while more:
        name = more.pop()
        seen.add(name)
        chunk = manifest[name]
        found |= {chunk["file"], *chunk.get("css", [])}
        more |= {*chunk.get("imports", [])} - seen
    return found


def zipped(path: Path) -> int:
    """Its size as gzip -9."""
    return len(gzip.compress(path.read_bytes(), 9, mtime=0))


CHECKS: dict[str, Callable[[Page], None]] = {check.__name__: check for check in (types, lint, fix, unit, size)}


def main(name: str) -> int:
    """Make one of them: 0 when it passes; NOT_MADE when the packages cannot be had here."""
    try:
        CHECKS[name](Page())
    except Unreachable as error:
        print(f"not made: no registry has answered with the page's packages:\n{str(error)[-500:].rstrip()}")
        return NOT_MADE
    except SetupError as error:
        print(str(error).rstrip())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
