"""Whether fields of one response name can be merged, in time linear in the document: GraphQL, section 5.3.2.

graphql-core compares each with each: 600 times the same field under one name, 17 KB, took 5 s. Here all fields of a
name are compared with the first of them, what is selected below them together is looked at once, and a fragment once in
each place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationRule,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    print_ast,
    type_from_ast,
)

Sets = list[tuple[Any, SelectionSetNode]]  # each with the type of what it selects from


class Found:
    """A field, the type that it is selected from, and its own; None: unknown, which another rule says."""

    __slots__ = ("key", "node", "parent", "type")

    def __init__(self, parent: Any, node: FieldNode) -> None:
        self.parent = parent
        self.node = node
        fields = getattr(parent, "fields", {})
        self.type = fields[node.name.value].type if node.name.value in fields else None
        self.key = ""  # its arguments, when they are asked for

    @property
    def arguments(self) -> str:
        """Its arguments, in any order."""
        if not self.key:
            given = sorted(f"{each.name.value}: {print_ast(each.value)}" for each in self.node.arguments or ())
            self.key = f"({', '.join(given)})"
        return self.key


class FieldsCanBeMerged(ValidationRule):
    """Takes the place of OverlappingFieldsCanBeMergedRule. Reports the first conflict of an operation."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """One operation, with all fragments that it spreads."""
        type_ = self.context.schema.get_root_type(node.operation)
        self._seen: set[tuple[Any, ...]] = set()
        conflict = self._check([(type_, node.selection_set)], same_object=True)
        if conflict is not None:
            name, reason, nodes = conflict
            message = f"Fields '{name}' conflict because {reason}. Use different aliases on the fields to fetch both"
            self.report_error(GraphQLError(f"{message} if this was intentional.", nodes))

    def _check(self, sets: Sets, *, same_object: bool) -> tuple[str, str, list[FieldNode]] | None:
        """The first conflict below some selections, of which all concern one object, or each another one."""
        place = (same_object, *(id(each) for _, each in sets))
        if place in self._seen:
            return None
        self._seen.add(place)
        for name, found in self._fields(sets).items():
            reason, by_parent = "", _by_parent(found) if same_object else [found]
            if same_object:
                pairs = ((group[0], each) for group in by_parent for each in group[1:])
                reason = next((why for one, other in pairs if (why := _names(one, other))), "")
            reason = reason or next((why for each in found[1:] if (why := _shapes(found[0], each))), "")
            if reason:
                return name, reason, [each.node for each in found[:2]]
            below: list[tuple[list[Found], bool]] = [(group, same_object) for group in by_parent]
            if len(by_parent) > 1:
                below.append((found, False))
            for group, same in below:
                selected = [
                    (get_named_type(each.type), each.node.selection_set)
                    for each in group
                    if each.type is not None and each.node.selection_set is not None
                ]
                conflict = self._check(selected, same_object=same) if selected else None
                if conflict is not None:
                    inner, why, nodes = conflict
                    return name, f"subfields '{inner}' conflict because {why}", [found[0].node, *nodes]
        return None

    def _fields(self, sets: Iterable[tuple[Any, SelectionSetNode]]) -> dict[str, list[Found]]:
        found: dict[str, list[Found]] = {}
        spread: set[str] = set()
        waiting = [*reversed([*sets])]
        while waiting:
            parent, selections = waiting.pop()
            for node in selections.selections:
                if isinstance(node, FieldNode):
                    found.setdefault((node.alias or node.name).value, []).append(Found(parent, node))
                    continue
                condition = None
                if isinstance(node, InlineFragmentNode):
                    below, condition = node.selection_set, node.type_condition
                elif isinstance(node, FragmentSpreadNode):
                    fragment = self.context.get_fragment(node.name.value)
                    if fragment is None or node.name.value in spread:
                        continue
                    spread.add(node.name.value)
                    below, condition = fragment.selection_set, fragment.type_condition
                type_ = type_from_ast(self.context.schema, condition) if condition is not None else parent
                waiting.append((type_, below))
        return found


def _by_parent(found: list[Found]) -> list[list[Found]]:
    """Those that may be of one object: of each object type, with all that are of an interface or a union."""
    of_any = [each for each in found if not is_object_type(each.parent)]
    of_type: dict[str, list[Found]] = {}
    for each in found:
        if is_object_type(each.parent):
            of_type.setdefault(each.parent.name, []).append(each)
    return [[*each, *of_any] for each in of_type.values()] or [of_any]


def _names(one: Found, other: Found) -> str:
    if one.node.name.value != other.node.name.value:
        return f"'{one.node.name.value}' and '{other.node.name.value}' are different fields"
    if one.arguments != other.arguments:
        return "they have differing arguments"
    return ""


def _shapes(one: Found, other: Found) -> str:
    if one.type is None or other.type is None or not _differ(one.type, other.type):
        return ""
    return f"they return conflicting types '{one.type}' and '{other.type}'"


def _differ(one: Any, other: Any) -> bool:
    for wraps in (is_non_null_type, is_list_type):
        if wraps(one) or wraps(other):
            return not (wraps(one) and wraps(other)) or _differ(one.of_type, other.of_type)
    return (is_leaf_type(one) or is_leaf_type(other)) and one is not other
