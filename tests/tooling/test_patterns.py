"""Patterns that every release of Python 3.11 matches alike."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("app", "client/src", "devtools", "examples", "resolvers", "schema")
GROUP = re.compile(r"\)(?:[*+?]|\{[^{}]*\}|\{\{[^{}]*\}\})\+")


def test_no_group_has_a_possessive_quantifier() -> None:
    """3.11.2, which is Debian 12's, keeps what a repetition of a group took before it failed: `5,` of `5, a` by
    `5(?:,[0-9]++)*+`. It matches the atomic group right: `5(?>(?:,[0-9]++)*)`.
    """
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in PRODUCT
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if GROUP.search(line)
    ]
    assert not found
