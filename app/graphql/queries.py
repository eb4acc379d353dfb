"""Queries by their plans: the short way past Strawberry's and graphql-core's execution."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any

import orjson
from graphql import FieldNode, OperationType
from strawberry import Schema

from app.errors import AppError
from app.graphql.bounds import ClientGone, Gone, OverBudget, credential_of, within
from app.graphql.documents import Documents, OneOperation, Prepared, documents_of
from app.graphql.messages import Operation
from app.graphql.plans import compiled_of, fall_back, prepare
from app.graphql.sign_in import SignInRequired
from app.graphql.variables import check_variables
from app.graphql.writing import written

# Answers to introspection that are kept, in bytes together; GraphiQL's has 130 KB.
MAX_INTROSPECTION_BYTES = 2 * 1024 * 1024
ANSWER, INTROSPECTS = "answer", "introspects"
# What plans replace: they do what these do.
EXTENSIONS = (SignInRequired, OneOperation)


class Queries:
    """Answers queries of one schema. Whatever it does not answer, Strawberry is to execute."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._documents = documents_of(schema._schema)
        self._replaces_extensions = tuple(schema.extensions) == EXTENSIONS
        self._answers: deque[Prepared] = deque()
        self._bytes = 0

    def begin(self, asked: Operation, context: Any) -> None:
        """Have the client pay for a request. Raises OverRate, and LimitExceeded for too many variables."""
        values = check_variables(asked.variables)
        spending = getattr(context, "spending", None)
        if spending is not None:
            spending.begin(0 if self._documents.is_known(asked.query, asked.name) else len(asked.query), values)

    async def prepare(self, asked: Operation, context: Any, gone: Gone | None = None) -> Prepared:
        """See prepared. Whoever asks for anything else keeps what this returns."""
        return await prepared(self._documents, asked, context, gone)

    async def answer(self, asked: Operation, context: Any, gone: Gone | None = None) -> bytes | None:
        """The answer as JSON; None: not a query, not signed in, not valid, or something in it is not right.

        Raises OverBudget for an operation that costs too much, ClientGone once `gone` has returned.
        """
        if not (self._replaces_extensions and getattr(context, "compiled", False)):
            return None
        if getattr(context, "signed_in", None) is None:
            return None
        prepared = self._documents.find(asked.query, asked.name)
        operation = prepared.operation
        if operation is None or prepared.invalid:
            return None
        spending = getattr(context, "spending", None)
        if operation.operation is not OperationType.QUERY:
            await prepare(self._schema._schema, asked, context)
            return None
        if prepared.introspects:
            try:
                context.require_introspection()
            except AppError:
                return None
        known: bytes | None = prepared.kept.get(ANSWER)
        if known is not None:
            return known
        introspects = prepared.kept.get(INTROSPECTS)
        if introspects is None:
            introspects = prepared.kept[INTROSPECTS] = _introspects(prepared)
        if introspects:
            return await self._introspection(asked, prepared, context, gone)
        compiled = compiled_of(self._schema._schema, prepared)
        if compiled is None:
            return None
        beside = partial(self._documents.beside, asked.query, credential_of(context))
        mark = context.mark()
        try:
            if spending is None:
                return orjson.dumps({"data": await compiled.execute(context, asked.variables, beside=beside)})
            with spending.within(gone):
                data = await compiled.execute(context, asked.variables, meter=spending, beside=beside)
            return written({"data": data}, spending)
        except (OverBudget, ClientGone):
            raise
        except Exception as error:
            fall_back(error, context, mark)
            return None

    def changes(self, asked: Operation) -> bool:
        """Whether the operation is a mutation."""
        return self._documents.find(asked.query, asked.name).type is OperationType.MUTATION

    async def _introspection(
        self, asked: Operation, prepared: Prepared, context: Any, gone: Gone | None
    ) -> bytes | None:
        """Of a schema that does not change: executed once for each text."""
        with within(context, gone):
            result = await self._schema.execute(asked.query, context_value=context, operation_name=asked.name)
        if result.errors:
            return None
        if ANSWER in prepared.kept:  # somebody else was faster
            return prepared.kept[ANSWER]  # type: ignore[no-any-return]
        answer = prepared.kept[ANSWER] = orjson.dumps({"data": result.data})
        if not prepared.introspects:
            return answer  # of `__typename` alone: no longer than its text, and kept as long as that is
        self._answers.append(prepared)
        self._bytes += len(answer)
        while self._bytes > MAX_INTROSPECTION_BYTES:
            self._bytes -= len(self._answers.popleft().kept.pop(ANSWER))
        return answer


async def prepared(documents: Documents, asked: Operation, context: Any, gone: Gone | None = None) -> Prepared:
    """See Documents.prepare: within the operation's time, which begins now, and as long as its client is there."""
    if documents.is_at_hand(asked.query, asked.name):
        return documents.find(asked.query, asked.name)
    with within(context, gone):
        return await documents.prepare(asked.query, asked.name, credential_of(context))


def _introspects(prepared: Prepared) -> bool:
    """Whether a query asks for the schema alone, without variables; `__typename` of the root is of the schema too."""
    operation = prepared.operation
    assert operation is not None
    nodes = operation.selection_set.selections
    return not operation.variable_definitions and all(
        isinstance(node, FieldNode) and node.name.value in ("__schema", "__type", "__typename") for node in nodes
    )
