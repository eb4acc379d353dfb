"""Whether the results of a subscription are the same for everybody who asks with the same document."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_operation_ast,
    validate,
)

from app.graphql.document import parse_bounded

# Remembered documents, and their maximum length: 2.5 MB of text.
MAX_DOCUMENTS = 256
MAX_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """A root field of subscriptions, and its arguments that leave the selection below it as it is."""

    name: str
    arguments: Collection[str]


class ShareableDocuments:
    """Decides whether documents can be shared: subscriptions to one field that differ only in its arguments."""

    def __init__(self, schema: GraphQLSchema, field: Field) -> None:
        self._schema = schema
        self._field = field
        self._known: dict[tuple[str, str | None], DocumentNode | None] = {}

    def find(self, query: str, name: str | None) -> DocumentNode | None:
        """The valid document if its operation of that name can be shared, otherwise None."""
        if len(query) + len(name or "") > MAX_CHARACTERS:
            return None
        key = (query, name)
        if key not in self._known:
            if len(self._known) >= MAX_DOCUMENTS:
                del self._known[next(iter(self._known))]
            self._known[key] = self._read(query, name)
        return self._known[key]

    def _read(self, query: str, name: str | None) -> DocumentNode | None:
        try:
            document = parse_bounded(query)
            operation = get_operation_ast(document, name)
            shareable = operation is not None and self._is_shareable(document, operation)
            return document if shareable and not validate(self._schema, document) else None
        except (GraphQLError, RecursionError):
            return None  # to be executed by itself, which says what is wrong with it

    def _is_shareable(self, document: DocumentNode, operation: OperationDefinitionNode) -> bool:
        selections = operation.selection_set.selections
        if operation.operation is not OperationType.SUBSCRIPTION or len(selections) != 1:
            return False
        root = selections[0]
        if not isinstance(root, FieldNode) or root.name.value != self._field.name:
            return False
        free = {id(argument) for argument in root.arguments or () if argument.name.value in self._field.arguments}
        definitions = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
        below: list[Node] = [*(operation.directives or ()), *operation.selection_set.selections, *definitions]
        return not any(isinstance(node, VariableNode) for each in below for node in _nodes(each, free))


def _nodes(node: Node, without: Collection[int]) -> Iterator[Node]:
    """A node and everything below it, except some."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if id(current) in without:
            continue
        yield current
        for key in current.keys:
            value = getattr(current, key, None)
            if isinstance(value, Node):
                waiting.append(value)
            elif isinstance(value, list | tuple):
                waiting += [each for each in value if isinstance(each, Node)]
