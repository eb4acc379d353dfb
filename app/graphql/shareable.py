"""Whether the results of a subscription are the same for everybody who asks with the same document."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
)

from app.graphql.documents import Documents

KEPT = "shareable"


@dataclass(frozen=True, slots=True)
class Field:
    """A root field of subscriptions, and its arguments that leave the selection below it as it is."""

    name: str
    arguments: Collection[str]


class ShareableDocuments:
    """Decides whether documents can be shared: subscriptions to one field that differ only in its arguments."""

    def __init__(self, documents: Documents, field: Field) -> None:
        self._documents = documents
        self._field = field

    def find(self, query: str, name: str | None) -> DocumentNode | None:
        """The valid document if its operation of that name can be shared, otherwise None."""
        prepared = self._documents.find(query, name)
        if prepared.document is None or prepared.operation is None or prepared.invalid:
            return None  # to be executed by itself, which says what is wrong with it
        if KEPT not in prepared.kept:
            prepared.kept[KEPT] = self._is_shareable(prepared.document, prepared.operation)
        return prepared.document if prepared.kept[KEPT] else None

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
