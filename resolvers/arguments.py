"""Arguments that a resolver decodes itself, once it has asked for the permission."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Decodes an argument; raises BadInput or NotFound for one that cannot be meant. Who may not use a field gets FORBIDDEN,
# and learns nothing of its arguments. (What does not fit the schema, graphql-core refuses before any field runs, for
# everybody alike.)
Argument = Callable[[], T]
