"""Patterns that every release of Python 3.11 matches alike."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.error_groups.stack_traces import others
from app.events import jsontext
from app.secrets import masking, redaction

ROOT = Path(__file__).parents[2]
PRODUCT = ("app", "client/src", "devtools", "examples", "resolvers", "schema")
# Their repetitions take nothing before they fail, but at the end of a text that is none. They are of any length: an
# atomic group keeps 114 bytes for each repetition, 458 MB of a JSON string of 8 MB that is all escapes.
ALIKE = {"app/events/jsontext.py": 1, "app/secrets/masking.py": 1, "app/secrets/redaction.py": 1}
ALIKE |= {"app/error_groups/stack_traces/others.py": 1}
NEWLINE = r"\n"
GROUP = re.compile(r"\)(?:[*+?]|\{[^{}]*\}|\{\{[^{}]*\}\})\+")


def test_no_group_has_a_possessive_quantifier() -> None:
    """3.11.2, which is Debian 12's, keeps what a repetition of a group took before it failed: `5,` of `5, a` by
    `5(?:,[0-9]++)*+`. It matches the atomic group right: `5(?>(?:,[0-9]++)*)`.
    """
    found = Counter(
        str(path.relative_to(ROOT))
        for folder in PRODUCT
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if GROUP.search(line)
    )
    assert found == ALIKE


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (jsontext._TOKEN, b'"%b"' % (rb"\n" * 500_000)),
        (masking._STRINGS, f'"{NEWLINE * 500_000}"'),
        (redaction._TOKENS, f'"{NEWLINE * 500_000}"'),
        (others._PHP_NAME, "{" * 500_000),
    ],
)
def test_a_long_text_needs_no_stack(pattern: re.Pattern[Any], text: Any) -> None:
    tracemalloc.start()
    try:
        found = pattern.match(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found is not None
    assert found.end() == len(text)
    assert peak < 100_000
