"""Which mutants of a module are tried: a seeded draw, without those that docs/testing.md lists as equivalent.

A mutant is known by the function that it is in and the text of its lines, before and after. So the draw and the list
stay the same when lines move, and a line that changes gets mutants of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devtools.mutants.edits import Edit, edits, is_python

MODULE = "(module)"

_HEADING = re.compile(r"### `([^`]+)`")
_WHERE = re.compile(r"`([^`]+)`: ")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a mutant is known by."""

    where: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def diff(self) -> str:
        """As it is shown, and listed."""
        return "\n".join([*(f"- {line}" for line in self.before), *(f"+ {line}" for line in self.after)])


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutation of a module."""

    path: str
    line: int
    edit: Edit
    shape: Shape

    def rank(self, seed: str) -> bytes:
        """Its place in the draw."""
        shape = self.shape
        return hashlib.sha256("\0".join([seed, shape.where, *shape.before, "", *shape.after]).encode()).digest()


def mutants(path: str, source: str, wanted: Callable[[Shape], bool] = lambda _: True) -> list[Mutant]:
    """All of a module whose shape is wanted, in the order of its text."""
    found = [_mutant(path, source, edit) for edit in edits(source)]
    return [each for each in found if wanted(each.shape) and is_python(each.edit.of(source))]


def _mutant(path: str, source: str, edit: Edit) -> Mutant:
    first = source.rfind("\n", 0, edit.start) + 1
    end = source.find("\n", edit.end)
    end = len(source) if end < 0 else end
    before, after = source[first:end], source[first : edit.start] + edit.text + source[edit.end : end]
    shape = Shape(
        edit.where or MODULE, *(tuple(line.strip() for line in each.splitlines()) for each in (before, after))
    )
    return Mutant(path, source.count("\n", 0, first) + 1, edit, shape)


def draw(found: list[Mutant], equivalent: set[Shape], number: int, seed: str) -> tuple[list[Mutant], list[Mutant]]:
    """So many mutants to try, and the equivalent ones that were drawn on the way, both in the order of the text."""
    tried: list[Mutant] = []
    apart: list[Mutant] = []
    for mutant in sorted(found, key=lambda each: each.rank(seed)):
        if len(tried) == number:
            break
        (apart if mutant.shape in equivalent else tried).append(mutant)
    return sorted(tried, key=_position), sorted(apart, key=_position)


def _position(mutant: Mutant) -> tuple[int, int]:
    return mutant.edit.start, mutant.edit.end


def equivalents(document: Path) -> dict[str, dict[Shape, str]]:
    """The listed mutants, by the path of their module, each with its reason; ValueError for one without a reason.

    A heading of the third level names the module; a paragraph "`function`: reason" comes before a block of diff lines.
    """
    found: dict[str, dict[Shape, str]] = {}
    path, paragraph, ended = "", "", False
    block: list[str] | None = None
    for line in document.read_text().splitlines():
        if block is not None:
            if line.strip() == "```":
                found.setdefault(path, {}).update(_listed(path, paragraph.strip(), block))
                block, paragraph = None, ""
            else:
                block.append(line.strip())
        elif match := _HEADING.fullmatch(line):
            path, paragraph = match[1], ""
        elif line.startswith("#"):
            path, paragraph = "", ""
        elif line.strip() == "```diff" and path:
            block = []
        elif line.strip():
            paragraph, ended = line.strip() if ended else f"{paragraph} {line.strip()}", False
        else:
            ended = True
    return found


def _listed(path: str, paragraph: str, lines: list[str]) -> dict[Shape, str]:
    match = _WHERE.match(paragraph)
    if not match or not paragraph[match.end() :]:
        raise ValueError(f"{path}: no function and reason before\n" + "\n".join(lines))
    shapes = []
    for group in re.findall(r"(?:- .*\n)+(?:\+ .*\n)+", "".join(f"{line}\n" for line in lines)):
        sides = [tuple(line[2:] for line in group.splitlines() if line.startswith(sign)) for sign in "-+"]
        shapes.append(Shape(match[1], *sides))
    return dict.fromkeys(shapes, paragraph[match.end() :])
