"""The plans of documents that are kept, and how often graphql-core had to do without one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from graphql import GraphQLSchema
from strawberry import Schema

from app.graphql.bounds import credential_of, within
from app.graphql.compiled import CompiledOperation, NotRight, Unsupported, compile_operation
from app.graphql.documents import Prepared, documents_of
from app.graphql.messages import Operation
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


async def prepare(schema: GraphQLSchema, asked: Operation, context: Any) -> None:
    """Have what the execution of an operation needs, if its document is valid: see CompiledOperation.prepare.

    Of what there is nothing waits: the thread may have much to do for others.
    """
    documents = documents_of(schema)
    prepared = documents.find(asked.query, asked.name)
    if prepared.operation is None or prepared.invalid:
        return
    compiled = compiled_of(schema, prepared)
    if compiled is not None and not compiled.is_prepared(asked.variables):
        meter = getattr(context, "spending", None)
        with within(context):
            await documents.beside(
                asked.query, credential_of(context), lambda: compiled.prepare(asked.variables, meter)
            )


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
