"""The document of an operation: parsed once, within bounds, and holding exactly the operation that was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import DocumentNode, OperationDefinitionNode, parse
from strawberry.extensions import SchemaExtension

from app.errors import BadInput

# Parsing and validating take about 35 µs a token and hold up every other request; GraphiQL's introspection has 350.
MAX_TOKENS = 5_000


class OneOperation(SchemaExtension):
    """Refuses documents that are too long, and those that leave open which of their operations is meant.

    Strawberry takes the first operation then; GraphQL demands an error.
    """

    def on_parse(self) -> Iterator[None]:
        """Instead of Strawberry's parsing."""
        context = self.execution_context
        context.graphql_document = parse_bounded(context.query or "")
        _check(context.graphql_document, context._provided_operation_name)
        yield


def parse_bounded(query: str) -> DocumentNode:
    """The document of a query; GraphQLError when it is none, or too long."""
    return parse(query, max_tokens=MAX_TOKENS)


def _check(document: DocumentNode, wanted: str | None) -> None:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if not operations:
        raise BadInput("The document has no operation")
    if wanted is None:
        if len(operations) > 1:
            raise BadInput('The document has several operations: say which by "operationName"')
    elif not any(node.name is not None and node.name.value == wanted for node in operations):
        raise BadInput(f"The document has no operation named {wanted[:80]!r}")
