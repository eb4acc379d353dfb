"""Answers as JSON, within their bound: measured before there is any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app.graphql.bounds import Spending

# How many times the usual size of a value its largest one is, where the schema does not say: names have 300 characters.
MARGIN = 30


def written(body: Mapping[str, Any], spending: Spending | None) -> bytes:
    """An answer as JSON. Raises OverBudget, before there is any, for one that would be too large."""
    if spending is None:
        return orjson.dumps(body)
    most = spending.bounds.answer_bytes
    # Most answers are far from it, and looking at each value would cost a twentieth of a page.
    if spending.estimated.bytes * MARGIN > most and spending.written + measured(body.get("data")) > most:
        raise spending.too_large()
    answer = orjson.dumps(body)
    if len(answer) > most:  # escapes
        raise spending.too_large()
    return answer


def measured(data: Any) -> int:
    """Characters of an answer, about: 10 for the key and the signs of each value. Without what `large` has counted."""
    size, waiting = 0, [data]
    while waiting:
        value = waiting.pop()
        class_ = value.__class__
        if class_ is str:
            size += len(value) if value.isascii() else 3 * len(value)
        elif class_ is dict:
            waiting.extend(value.values())
        elif class_ is list:
            waiting.extend(value)
        size += 10
    return size
