"""Compiled execution of GraphQL: a plan for each operation, which calls the resolvers that the schema has.

A plan is Python code made of the operation and the schema: it calls each field's resolver, and completes its value as
graphql-core would, as long as everything is as it should be. Whatever is not, an exception included, is left to
graphql-core: the query is run again there, so that errors, paths and nulls are exactly its own. A plan therefore knows
nothing of errors. The field of a mutation is never run again: graphql-core completes the value that is there.

The package knows Strawberry's schemas and nothing of what they serve: docs/adr/0023 has the reasons.
"""

from __future__ import annotations

from app.graphql.compiled.costs import Cost, Meter
from app.graphql.compiled.errors import NotRight, Unsupported
from app.graphql.compiled.operation import CompiledOperation, compile_operation

__all__ = ["CompiledOperation", "Cost", "Meter", "NotRight", "Unsupported", "compile_operation"]
