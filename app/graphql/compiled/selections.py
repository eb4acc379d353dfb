"""What is selected of one type: fields by response key, with fragments and conditions taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

from app.graphql.compiled.errors import Unsupported


class Selections:
    """Collects fields as graphql-core does. `value_of` gives the values of the variables that conditions name."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        value_of: Callable[[str], object],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._value_of = value_of

    def of(self, type_: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields that an object of this type has in the answer, in their order."""
        found: dict[str, list[FieldNode]] = {}
        self._collect(type_, sets, found, set())
        return found

    def _collect(
        self,
        type_: GraphQLObjectType,
        sets: Iterable[SelectionSetNode],
        found: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        for selections in sets:
            for node in selections.selections:
                if not self._is_included(node):
                    continue
                if isinstance(node, FieldNode):
                    found.setdefault((node.alias or node.name).value, []).append(node)
                elif isinstance(node, InlineFragmentNode):
                    if self._applies(type_, node.type_condition):
                        self._collect(type_, [node.selection_set], found, spread)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    fragment = self._fragments[node.name.value]
                    if fragment.variable_definitions or getattr(node, "arguments", None):
                        raise Unsupported("variables of a fragment")
                    if self._applies(type_, fragment.type_condition):
                        self._collect(type_, [fragment.selection_set], found, spread)

    def _is_included(self, node: SelectionNode) -> bool:
        included = True
        for directive in node.directives or ():
            name = directive.name.value
            if name not in ("include", "skip"):
                raise Unsupported(f"@{name}")
            [argument] = directive.arguments or ()
            given = argument.value
            if isinstance(given, VariableNode):
                value = self._value_of(given.name.value)
            else:
                value = given.value if isinstance(given, BooleanValueNode) else None
            if not isinstance(value, bool):
                raise Unsupported(f"@{name} without a value")
            included = included and value is (name == "include")
        return included

    def _applies(self, type_: GraphQLObjectType, condition: NamedTypeNode | None) -> bool:
        if condition is None:
            return True
        wanted = self._schema.get_type(condition.name.value)
        return wanted is type_ or (is_abstract_type(wanted) and self._schema.is_sub_type(wanted, type_))
