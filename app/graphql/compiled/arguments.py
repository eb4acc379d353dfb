"""Arguments of one field: what a request cannot change is coerced once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.schema.schema_converter import GraphQLCoreConverter, get_arguments
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import StrawberryOptional
from strawberry.types.field import StrawberryField

from app.graphql.compiled.errors import NotRight

# From the coerced variables of an operation to a keyword argument, or nothing.
Give = Callable[[dict[str, Any], Mapping[str, Any]], None]
# Types whose coerced values Strawberry takes as they are, after 20 calls that find it out.
AS_THEY_ARE = (str, int, float, bool, strawberry.ID)
IMMUTABLE = (str, int, float, bool, Enum, type(None))


class Arguments:
    """The keyword arguments of a resolver, but `info`. `constant` has all of them if no request changes any."""

    def __init__(
        self, definition: GraphQLField, node: FieldNode, field: StrawberryField, converter: GraphQLCoreConverter
    ) -> None:
        self._definition = definition
        self._node = node
        self._field = field
        self._converter = converter
        self.constant: dict[str, Any] | None = None
        constant: dict[str, Any] = {}
        gives: list[Give] = []
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        by_name = {converter.config.name_converter.from_argument(argument): argument for argument in field.arguments}
        for name, of_schema in definition.args.items():
            give = self._give(name, of_schema, by_name[name], given.get(name), constant)
            if give is None:
                break
            gives.append(give)
        self.needs_sources = len(gives) < len(definition.args)
        self._gives = None if self.needs_sources else gives
        if len(constant) == len(definition.args):
            self.constant = constant

    def _give(
        self,
        name: str,
        of_schema: GraphQLArgument,
        argument: StrawberryArgument,
        value: ValueNode | None,
        constant: dict[str, Any],
    ) -> Give | None:
        """What gives one argument; None: only graphql-core and Strawberry can tell. Adds to the constants."""
        python_name = argument.python_name
        assert python_name is not None
        if of_schema.out_name not in (None, name) or _is_partly_variable(value):
            return None
        variable = value.name.value if isinstance(value, VariableNode) else None
        required = is_non_null_type(of_schema.type)
        # What it is without the variable.
        without = [each for each in self._node.arguments or () if variable is None and each.name.value == name]
        node = FieldNode(name=self._node.name, arguments=tuple(without))
        only = GraphQLField(self._definition.type, args={name: of_schema})
        fallback: Any = Undefined
        if variable is None or not required or of_schema.default_value is not Undefined:
            try:
                fallback = get_argument_values(only, node).get(name, Undefined)
            except Exception:  # graphql-core says it when it is asked
                return None
        if variable is None:
            return self._fixed(python_name, argument, fallback, constant)

        convert = self._converter_of(argument)

        def give(into: dict[str, Any], variables: Mapping[str, Any]) -> None:
            found = variables.get(variable, Undefined)
            if found is Undefined:
                found = fallback
                if found is Undefined:
                    if required:
                        raise NotRight
                    return
            elif found is None and required:
                raise NotRight
            into[python_name] = convert(found)

        return give

    def _fixed(
        self, python_name: str, argument: StrawberryArgument, value: Any, constant: dict[str, Any]
    ) -> Give | None:
        """A literal, or a default. Lists and objects are made anew for each request: who gets them may change them."""
        if value is Undefined:
            constant[python_name] = Undefined  # not given
            return lambda into, variables: None
        try:
            convert = self._converter_of(argument)
            converted = convert(value)
        except Exception:
            return None
        if isinstance(converted, IMMUTABLE):
            constant[python_name] = converted
            return lambda into, variables: into.__setitem__(python_name, converted)
        values = vars(converted) if is_dataclass(converted) and hasattr(converted, "__dict__") else {"": converted}
        if all(isinstance(each, IMMUTABLE) for each in values.values()):
            return lambda into, variables: into.__setitem__(python_name, copy(converted))
        return lambda into, variables: into.__setitem__(python_name, convert(value))

    def _converter_of(self, argument: StrawberryArgument) -> Callable[[Any], Any]:
        """As Strawberry does, but without an `info`: an input that asks for it is refused here, and left to it."""
        config, registry, type_ = self._converter.config, self._converter.scalar_registry, argument.type
        plain: Any = type_
        while plain.__class__ is StrawberryOptional:
            plain = plain.of_type
        if plain in AS_THEY_ARE:
            return lambda value: value
        path = (config.name_converter.from_argument(argument),)
        return lambda value: convert_argument(value, type_, registry, config, None, path=path)

    def __call__(self, variables: Mapping[str, Any], values: VariableValues | None) -> dict[str, Any]:
        """The arguments for one operation."""
        if self._gives is not None:
            found: dict[str, Any] = {}
            for give in self._gives:
                give(found, variables)
            return found
        coerced = get_argument_values(self._definition, self._node, values)
        _, kwargs = get_arguments(
            field=self._field,
            source=None,
            info=None,  # type: ignore[arg-type]  # an input that asks for it is left to graphql-core
            kwargs=coerced,
            config=self._converter.config,
            scalar_registry=self._converter.scalar_registry,
        )
        resolver = self._field.base_resolver
        for given in (resolver and resolver.info_parameter, resolver and resolver.parent_parameter):
            if given is not None:
                kwargs.pop(given.name, None)
        return kwargs


def _is_partly_variable(value: ValueNode | None) -> bool:
    """Whether a literal has variables within."""
    waiting: list[ValueNode] = [] if value is None or isinstance(value, VariableNode) else [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, VariableNode):
            return True
        if isinstance(current, ListValueNode):
            waiting += current.values
        elif isinstance(current, ObjectValueNode):
            waiting += [field.value for field in current.fields]
    return False
