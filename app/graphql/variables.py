"""How many values the variables of an operation may have: graphql-core coerces all of them without a pause."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.errors import LimitExceeded

# Coercing so many takes 20 ms; 1 MB of them took 0.35 s. A bulk retry names 1,000 ids, a filter 500 of a kind.
MAX_VALUES = 10_000


def check_variables(variables: dict[str, Any] | None) -> int:
    """The number of their values, with the entries of lists and the fields of objects; LimitExceeded for too many."""
    if not variables:
        return 0
    values = 0
    waiting: list[Collection[Any]] = [variables.values()]
    while waiting:
        current = waiting.pop()
        values += len(current)
        if values > MAX_VALUES:
            raise LimitExceeded(
                f"variables: more than {MAX_VALUES} values, the entries of lists and the fields of objects included;"
                f" send at most {MAX_VALUES} with one operation"
            )
        for each in current:
            if each.__class__ is dict:
                waiting.append(each.values())
            elif each.__class__ is list:
                waiting.append(each)
    return values
