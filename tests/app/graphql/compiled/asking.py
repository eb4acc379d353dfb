"""One operation by its plan and by graphql-core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app.graphql.errors import before_execution, shown_all
from app.graphql.messages import Operation
from app.graphql.queries import Queries
from resolvers.context import Context
from schema import schema

queries = Queries(schema)


async def by_plan(document: str, variables: Mapping[str, Any] | None, context: Context) -> bytes | None:
    """The answer, if a plan gives it."""
    return await queries.answer(Operation(document, dict(variables or {})), context)


async def by_core(document: str, variables: Mapping[str, Any] | None, context: Context) -> bytes:
    """The answer as graphql-core gives it, errors in an order of their own."""
    result = await schema.execute(document, variable_values=dict(variables or {}), context_value=context)
    body: dict[str, Any] = {}
    if result.data is not None or not before_execution(result.errors):
        body["data"] = result.data
    if result.errors:
        body["errors"] = sorted(shown_all(result.errors), key=orjson.dumps)
    return orjson.dumps(body)
