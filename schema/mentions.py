"""Whether an operation selects something: anywhere, or right below a field."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from schema.context import Info


def mentions(info: Info, names: Collection[str]) -> bool:
    """Whether a field with one of these names is selected in the operation or a fragment, at whatever depth.

    Each selection is looked at once. Strawberry's `selected_fields` goes through a fragment as often as it is spread,
    which fragments that spread each other make exponential.
    """
    raw: GraphQLResolveInfo[Any] = info._raw_info
    waiting: list[SelectionSetNode | None] = [raw.operation.selection_set]
    waiting += [each.selection_set for each in raw.fragments.values()]
    while waiting:
        current = waiting.pop()
        for selection in () if current is None else current.selections:
            if isinstance(selection, FieldNode) and selection.name.value in names:
                return True
            waiting.append(getattr(selection, "selection_set", None))
    return False


def selects(info: Info, name: str) -> bool:
    """Whether the answer will have a field right below the present one, as fragments, @skip and @include have it."""
    raw: GraphQLResolveInfo[Any] = info._raw_info
    kept: dict[Any, bool] = getattr(raw, "kept", {})  # a plan has them: the answer is the same for all its requests
    if ("selects", name) not in kept:
        kept["selects", name] = _selects(raw, name)
    return kept["selects", name]


def _selects(raw: GraphQLResolveInfo[Any], name: str) -> bool:
    waiting: list[SelectionSetNode | None] = [node.selection_set for node in raw.field_nodes]
    seen: set[str] = set()
    while waiting:
        current = waiting.pop()
        for selection in () if current is None else current.selections:
            if not _is_included(raw, selection):
                continue
            if isinstance(selection, FieldNode):
                if selection.name.value == name:
                    return True
            elif isinstance(selection, FragmentSpreadNode):
                if selection.name.value not in seen:
                    seen.add(selection.name.value)
                    waiting.append(raw.fragments[selection.name.value].selection_set)
            else:
                waiting.append(getattr(selection, "selection_set", None))
    return False


def _is_included(raw: GraphQLResolveInfo[Any], selection: SelectionNode) -> bool:
    for directive in selection.directives or ():
        if (name := directive.name.value) in ("include", "skip"):
            condition: Any = next(iter(directive.arguments or ())).value
            is_variable = isinstance(condition, VariableNode)
            met = raw.variable_values[condition.name.value] if is_variable else condition.value
            if met != (name == "include"):
                return False
    return True
