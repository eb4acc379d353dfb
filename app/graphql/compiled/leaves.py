"""Completing scalars and enums: at once where the value is of the usual class, else as graphql-core does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from inspect import isawaitable
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
)

from app.graphql.compiled.errors import NotRight

# Values that are neither errors nor awaitable, so that a scalar may have them as they are.
PLAIN = frozenset(
    {str, int, float, bool, bytes, dict, list, tuple, datetime, date, time_of_day, timedelta, Decimal, UUID}
)
_TESTS = {
    GraphQLString: "{x}.__class__ is str",
    GraphQLID: "{x}.__class__ is str",
    GraphQLBoolean: "{x}.__class__ is bool",
    GraphQLInt: "{x}.__class__ is int and -2147483648 <= {x} <= 2147483647",
    GraphQLFloat: "{x}.__class__ is float and {x} - {x} == 0.0",  # neither infinite nor NaN
}


def leaf(
    type_: GraphQLScalarType | GraphQLEnumType, value: str, x: str, name: Callable[[Any], str], *, nullable: bool
) -> str:
    """The expression of a completed value, which evaluates `value` once, as `x`. `name` names a constant."""
    other = f"{name(_by_core(type_, nullable=nullable))}({x})"
    null = f"({x} := {value}) is None or " if nullable else ""
    first = x if nullable else f"({x} := {value})"
    if type_ in _TESTS:
        test = _TESTS[type_].format(x="{x}").replace("{x}", first, 1).replace("{x}", x)
        return f"({x} if {null}{test} else {other})"
    members = _names_of_members(type_) if isinstance(type_, GraphQLEnumType) else None
    if members is not None:
        found = f"{x}._name_ if {first}.__class__ is {name(members)} else {other}"
    else:
        coerce, y, nothing = name(type_.coerce_output_value), f"{x}_", name(Undefined)
        made = f"({y} := {coerce}({f'run.large({x})' if _is_written_as_it_is(type_) else x}))"
        usual = f"{first}.__class__ in {name(PLAIN)} and {made} is not None and {y} is not {nothing}"
        found = f"{y} if {usual} else {other}"
    return f"(None if ({x} := {value}) is None else {found})" if nullable else f"({found})"


def _is_written_as_it_is(type_: GraphQLScalarType | GraphQLEnumType) -> bool:
    """Whether a value becomes a copy of itself, which cannot be measured any more."""
    return getattr(type_.coerce_output_value, "__annotations__", {}).get("return") == "orjson.Fragment"


def _names_of_members(type_: GraphQLEnumType) -> type[Any] | None:
    """The class of an enum whose members' own names are those of the schema."""
    class_ = getattr(type_, "wrapped_cls", None)
    if class_ is None or any(type_.coerce_output_value(member) != member._name_ for member in class_):
        return None
    return class_  # type: ignore[no-any-return]


def _by_core(type_: GraphQLScalarType | GraphQLEnumType, *, nullable: bool) -> Callable[[Any], Any]:
    """Completes whatever graphql-core would complete without an error."""
    coerce = type_.coerce_output_value

    def complete(value: Any) -> Any:
        if value is None and nullable:
            return None
        if value is None or value is Undefined or isinstance(value, Exception) or isawaitable(value):
            raise NotRight
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise NotRight
        return coerced

    return complete
