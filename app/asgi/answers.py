"""The body of every answer that is a refusal, whichever door gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def error_body(error: Mapping[str, Any], *, indented: bool = False) -> bytes:
    """A GraphQL response with one error, as `errors.shown` or `masked` give it; no `data`: nothing was executed."""
    return orjson.dumps({"errors": [error]}, option=orjson.OPT_INDENT_2 if indented else None)
