"""Which tests stay together in one process, and which come first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

# Most tests of a unit whose tests share nothing.
FEW = 20
# Rough seconds of a test by what it is; what takes long or waits comes first, so that no process ends alone.
BROWSER, SPEC, SLOW, OTHER = 3.0, 0.5, 0.8, 0.03

Shared = frozenset[tuple[str, int]]


@dataclass
class Unit:
    """Tests, by their numbers, and the values of the session's fixtures that they have in common with other units."""

    numbers: list[int]
    shares: Shared = frozenset()
    seconds: float = field(default=0.0)


def units_of(items: Sequence[pytest.Item]) -> list[Unit]:
    """The tests of a file together where they share a fixture, else a few of them; the longest first."""
    chosen = [_chosen(item) for item in items]
    # What has one value in all of a run starts nothing anew.
    values = Counter(name for name, _ in {pair for pairs in chosen for pair in pairs})
    units: list[Unit] = []
    last: object = None
    for number, (item, pairs) in enumerate(zip(items, chosen, strict=True)):
        shares = frozenset(pair for pair in pairs if values[pair[0]] > 1)
        kind = item.path, shares
        if kind != last or (len(units[-1].numbers) >= FEW and not _shares_module(item)):
            units.append(Unit([], shares))
        last = kind
        units[-1].numbers.append(number)
        units[-1].seconds += _seconds(item)
    return sorted(units, key=lambda unit: -unit.seconds)


def _chosen(item: pytest.Item) -> Iterable[tuple[str, int]]:
    """The values that a test has of fixtures of the session."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return ()
    scopes = {name: definitions[-1].scope for name, definitions in _fixtures(item).items()}
    return [(name, index) for name, index in callspec.indices.items() if scopes.get(name) == "session"]


def _shares_module(item: pytest.Item) -> bool:
    """Whether it has a fixture that others of its file have, too."""
    return any(definitions[-1].scope in {"class", "module", "package"} for definitions in _fixtures(item).values())


def _fixtures(item: pytest.Item) -> dict[str, Sequence[Any]]:
    found: dict[str, Sequence[Any]] = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    return found


def _seconds(item: pytest.Item) -> float:
    if item.path.stem.endswith("_ui"):
        return BROWSER
    if item.nodeid.startswith("specs/"):
        return SPEC
    return SLOW if item.get_closest_marker("slow") else OTHER
