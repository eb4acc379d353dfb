"""Filters as JSON: the same values as in GraphQL's variables, for doors that are not GraphQL."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError, GraphQLInputType, coerce_input_value, validate_input_value
from strawberry.types.arguments import convert_argument

from app import executions
from app.errors import BadInput
from schema import schema
from schema.execution_input import ExecutionFilter


def execution_filter(given: dict[str, Any] | None) -> executions.ExecutionFilter:
    """A filter of executions as app's value; BadInput names the field that is wrong."""
    if given is None:
        return ExecutionFilter.where(None)
    type_: GraphQLInputType = schema._schema.type_map["ExecutionFilter"]  # type: ignore[assignment]

    def refuse(error: GraphQLError, path: list[str | int]) -> None:
        raise BadInput(f"{'.'.join(map(str, ['filter', *path]))}: {error.message}")

    validate_input_value(given, type_, refuse)
    coerced = coerce_input_value(given, type_)
    converted = convert_argument(
        coerced, ExecutionFilter, scalar_registry=schema.schema_converter.scalar_registry, config=schema.config
    )
    return ExecutionFilter.where(converted)  # type: ignore[arg-type]
