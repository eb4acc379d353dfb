"""Whether an operation selects something, anywhere."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from graphql import FieldNode, GraphQLResolveInfo, SelectionSetNode

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
