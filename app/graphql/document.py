"""The document of an operation: parsed within bounds, with exactly one selected operation."""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from app.errors import BadInput, LimitExceeded

# Parsing and validating take about 35 µs a token and hold up every other request; GraphiQL's introspection has 350.
MAX_TOKENS = 5_000
# With its fragments written out, a document may have as many selections as one without any. Fragments that spread each
# other under two aliases double with every level: 1 KB of them would be executed for minutes.
MAX_SELECTIONS = MAX_TOKENS
# 60 in 4 KB took 0.6 s.
MAX_INTROSPECTIONS = 1


def parse_bounded(query: str) -> DocumentNode:
    """The document of a query; GraphQLError if it is malformed, or too long, fragments included."""
    document = parse(query, max_tokens=MAX_TOKENS)
    _check_selections(document)
    return document


def _check_selections(document: DocumentNode) -> None:
    """A selection that occurs twice under one name is executed once, and counts as its selections do, once each."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    if not fragments:
        return
    looked_at = 0
    # Each with everything selected below one field.
    waiting = [[node.selection_set] for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    while waiting:
        below, fields, spread = waiting.pop(), dict[str, list[SelectionSetNode]](), set[str]()
        while below:
            for selection in below.pop().selections:
                looked_at += 1
                if looked_at > MAX_SELECTIONS:
                    raise GraphQLError(f"The document has more than {MAX_SELECTIONS} selections, fragments included")
                if isinstance(selection, FieldNode):
                    if selection.selection_set is not None:
                        fields.setdefault((selection.alias or selection.name).value, []).append(selection.selection_set)
                elif isinstance(selection, InlineFragmentNode):
                    below.append(selection.selection_set)
                elif (name := selection.name.value) in fragments and name not in spread:  # type: ignore[attr-defined]
                    spread.add(name)
                    below.append(fragments[name].selection_set)
        waiting += fields.values()


def introspections(document: DocumentNode) -> int:
    """How often a document asks for the schema; LimitExceeded for more than once: each answer has 100 KB and more."""
    found = 0
    waiting = [getattr(node, "selection_set", None) for node in document.definitions]
    while waiting:
        current = waiting.pop()
        for node in () if current is None else current.selections:
            found += isinstance(node, FieldNode) and node.name.value in ("__schema", "__type")
            waiting.append(getattr(node, "selection_set", None))
    if found > MAX_INTROSPECTIONS:
        raise LimitExceeded(
            f"Introspection: {found} times __schema or __type, of which a document may have {MAX_INTROSPECTIONS}"
        )
    return found


def check_operation(document: DocumentNode, wanted: str | None) -> None:
    """BadInput unless exactly one operation is meant: Strawberry takes the first then, GraphQL demands an error."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if not operations:
        raise BadInput("The document has no operation")
    if wanted is None:
        if len(operations) > 1:
            raise BadInput('The document has several operations: name one in "operationName"')
    elif not any(node.name is not None and node.name.value == wanted for node in operations):
        raise BadInput(f"The document has no operation named {wanted[:80]!r}")
