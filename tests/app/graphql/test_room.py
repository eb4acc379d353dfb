"""What operations are estimated to cost: near to what they do cost; what people use is far below the bound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    FragmentDefinitionNode,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    TypeNameMetaFieldDef,
    execute_sync,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values

from app.graphql.bounds import Bounds
from app.graphql.compiled.costs import WAITING, price
from app.graphql.compiled.projections import PROJECTION
from schema import schema
from specs.harness.counts import count
from tests.app.graphql.compiled.drawing import Drawing
from tests.app.graphql.compiled.test_operations import texts_of_documents, texts_of_python, texts_of_the_page

OPERATIONS = count("operations whose cost is counted", 100, 10_000)
CORE = schema._schema
NODES = {each.name for each in CORE.get_possible_types(CORE.type_map["Node"])}  # type: ignore[arg-type]
# How much of the budget an operation of ours may take.
SHARE = 10
# The largest pages that the page asks for.
LARGEST = 100


def costs(texts: Iterator[str]) -> dict[str, int]:
    """What each valid operation costs, with pages of 100 where it has a variable for their size."""
    found: dict[str, int] = {}
    for text in dict.fromkeys(texts):
        try:
            document = parse(text)
        except GraphQLSyntaxError:
            continue
        if validate(CORE, document):
            continue
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        for operation in document.definitions:
            if isinstance(operation, OperationDefinitionNode):
                variables: dict[str, Any] = {
                    each.variable.name.value: LARGEST for each in operation.variable_definitions or ()
                }
                priced, _ = price(CORE, fragments, operation, variables)
                found[text] = max(priced.cost(variables).fields, found.get(text, 0))
    return found


def test_operations_of_the_page_have_room() -> None:
    found = costs(texts_of_the_page())
    assert len(found) >= 19
    text, cost = max(found.items(), key=lambda each: each[1])
    assert cost * SHARE <= Bounds().cost, text


def test_introspection_of_graphiql_has_room() -> None:
    """It may take twice what others may: it grows with the schema, is asked for once, and its answer is kept."""
    [cost] = costs(iter([get_introspection_query(input_value_deprecation=True)])).values()
    assert cost * SHARE / 2 <= Bounds().cost


@pytest.mark.slow
def test_operations_of_specs_examples_and_documents_have_room() -> None:
    for texts, least in (
        (texts_of_documents(), 2),
        (texts_of_python("specs"), 40),
        (texts_of_python("examples"), 1),
        (texts_of_python("benchmarks"), 1),
    ):
        found = costs(texts)
        assert len(found) >= least
        text, cost = max(found.items(), key=lambda each: each[1])
        assert cost * 2 <= Bounds().cost, text


class Counting:
    """Executes with lists that are as long as was asked for, and counts."""

    def __init__(self, text: str) -> None:
        self._types = re.findall(r"\.\.\. on (\w+)", text)  # an object of several types has the one that is asked for
        self.counted = 0

    def field(self, source: Any, info: Any, **given: Any) -> Any:
        """Any field of the schema."""
        definition = info.parent_type.fields.get(info.field_name)
        own: Any = None if definition is None else definition.extensions.get("strawberry-definition")
        resolver = None if own is None or PROJECTION in own.metadata else own.base_resolver
        self.counted += WAITING if resolver is not None and resolver.is_async else 1
        sizes = [given[name] for name in ("first", "last") if given.get(name) is not None]
        usual = 50 if definition is not None and "first" in definition.args else None
        size = max(min(sizes[0], 1_000), 1) if sizes else usual
        type_ = get_nullable_type(info.return_type)
        if is_list_type(type_):
            around = source.get("size") if isinstance(source, dict) else None
            return [self._value(type_.of_type, None) for _ in range(size or around or 10)]
        return self._value(info.return_type, size)

    def _value(self, type_: Any, size: int | None) -> Any:
        named = get_named_type(type_)
        if is_leaf_type(named):
            return None if not isinstance(type_, GraphQLNonNull) else _Leaf(named)
        if not is_object_type(named):
            possible = CORE.get_possible_types(named)
            named = next((each for each in possible if each.name in self._types), possible[0])
        return {"__typename": named.name, "size": size}


class _Leaf:
    def __init__(self, type_: Any) -> None:
        self.type = type_


@pytest.mark.slow
def test_estimate_is_near_to_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a quarter and ten times: exact, but for objects of several types, of which the dearest is estimated."""
    for type_ in CORE.type_map.values():
        if is_leaf_type(type_):
            monkeypatch.setattr(type_, "coerce_output_value", lambda value: "x")
        if isinstance(type_, GraphQLObjectType):
            monkeypatch.setattr(type_, "is_type_of", None)
            for field in type_.fields.values():
                monkeypatch.setattr(field, "resolve", None)
        if isinstance(type_, GraphQLInterfaceType):
            monkeypatch.setattr(type_, "resolve_type", None)
    monkeypatch.setattr(TypeNameMetaFieldDef, "resolve", None)
    known: dict[str, list[Any]] = {"first": [1, 2, 5, 20], "last": [1, 2], "id": ["execution_x"], "size": [200]}
    compared, exact = 0, 0
    for seed in range(OPERATIONS):
        drawing = Drawing(CORE, seed, known)
        text = drawing.operation()
        document = parse(text)
        if validate(CORE, document) or len(set(re.findall(r"\.\.\. on (\w+)", text)) & NODES) > 1:
            continue  # two of one name, or objects of several types
        operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
        values = get_variable_values(CORE, operation.variable_definitions or (), drawing.variables)
        if not isinstance(values, VariableValues):
            continue  # they do not fit
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        priced, _ = price(CORE, fragments, operation, values.coerced)
        estimated = priced.cost(values.coerced).fields
        if estimated > 20_000:
            continue  # which would take long
        counting = Counting(text)
        result = execute_sync(
            *(CORE, document, {"__typename": "Query"}),
            variable_values=drawing.variables,
            field_resolver=counting.field,
            type_resolver=lambda value, *_: value["__typename"],
        )
        if any("argument" in error.message.lower() for error in result.errors or ()):
            continue  # an argument of the wrong type: nothing of the field was executed
        counted = counting.counted
        assert counted * 0.25 <= estimated <= counted * 10, (seed, estimated, counted, text, result.errors)
        compared += 1
        exact += estimated == counted
    assert compared > OPERATIONS * 0.5
    assert exact > compared * 0.5
