"""The leaves of an exception group of Python: the errors within it that are no groups. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.error_groups.stack_traces import PYTHON, Raised

_GROUP = "Exception Group Traceback (most recent call last):"
_CHILD = re.compile(r"\s*+\+(-\+)?-{3,}+ (?:\d++|\.\.\.) -{3,}+\s*+")
_END = re.compile(r"\s*+\+-{10,}+\s*+")
_MARGIN = re.compile(r"\s{2,}+\| ?")
_TYPE = re.compile(r"([A-Za-z_][\w.]*+)(?::|$)")
# Deeper ones are cut by Python itself, and nobody reads hundreds.
_MAX_LEAVES = 50


def leaves(lines: Sequence[str]) -> list[tuple[str, list[Raised]]]:
    """The type and the tracebacks of each leaf; empty if the error that came out is no group."""
    if not any(_GROUP in line for line in lines):
        return []
    bodies: list[list[str]] = []
    groups: set[int] = set()  # which of the bodies have children
    open_: list[int] = []  # the bodies around the line, the outermost first
    for line in lines:
        if child := _CHILD.fullmatch(line):
            if child[1] and open_:
                groups.add(open_[-1])
            elif not child[1] and open_:
                open_.pop()
            if len(bodies) >= _MAX_LEAVES:
                break
            bodies.append([])
            open_.append(len(bodies) - 1)
        elif _END.fullmatch(line):
            if open_:
                open_.pop()
        elif open_ and (margin := _MARGIN.match(line)):
            bodies[open_[-1]].append(line[margin.end() :])
        elif not _MARGIN.match(line) and "Traceback (most recent call last):" in line and _GROUP not in line:
            bodies, groups, open_ = [], set(), []  # another error was raised after the group
    found = []
    for number, body in enumerate(bodies):
        if number not in groups:
            raised = list(PYTHON.read(body))
            said = next((match[1] for line in reversed(body) if (match := _TYPE.match(line))), "")
            found.append((said, raised))
    return found
