"""The plans of documents that are kept, and how often graphql-core had to do without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLSchema
from strawberry import Schema

from app.graphql.compiled import CompiledOperation, Meter, NotRight, Unsupported, compile_operation
from app.graphql.documents import Prepared
from app.log import get_logger
from app.monitor import numbers

log = get_logger(__name__)

KEPT = "compiled"

# By reason, since the start of the process. Reasons name types, fields and classes of errors: there are not many.
fallbacks: Counter[str] = Counter()


def compiled_of(schema: GraphQLSchema, prepared: Prepared) -> CompiledOperation | None:
    """The compiled operation of a valid document, made the first time; None if no plan can be made of it."""
    found = prepared.kept.get(KEPT)
    if found is None:
        assert prepared.document is not None
        assert prepared.operation is not None
        try:
            strawberry_schema: Schema = schema._strawberry_schema  # type: ignore[attr-defined]
            found = compile_operation(strawberry_schema, prepared.document, prepared.operation)
        except Unsupported as error:
            found = error.with_traceback(None)
        prepared.kept[KEPT] = found
    if isinstance(found, Unsupported):
        count(found)
        return None
    return found


def prepare(
    schema: GraphQLSchema, prepared: Prepared, variables: Mapping[str, Any] | None, meter: Meter | None
) -> None:
    """Have what its execution needs, if the document is valid: see CompiledOperation.prepare."""
    if prepared.operation is not None and not prepared.invalid:
        compiled = compiled_of(schema, prepared)
        if compiled is not None:
            compiled.prepare(variables, meter)


def fall_back(error: Exception, context: Any, mark: Any) -> None:
    """A plan did not get to its end: graphql-core begins anew, with the context as it was at the mark."""
    count(error)
    context.go_back(mark, error)


def count(error: Exception) -> None:
    """Count one operation that graphql-core does."""
    match error:
        case Unsupported():
            reason = f"unsupported: {error}"
        case NotRight():
            reason = "a value, or the variables"
        case _:
            reason = f"{type(error).__name__} was raised"
    fallbacks[reason] += 1
    numbers.FALLBACKS.add(1, reason)
    log.debug("graphql_fallback", reason=reason)
