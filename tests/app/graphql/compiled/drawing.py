"""Operations drawn from a schema, with variables that fit and some that do not."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)

WRONG: tuple[Any, ...] = (None, "", "x", -1, 2**40, 1.5, True, [], {}, ["x", None], "2026-01-01")


class Drawing:
    """Draws one operation; the same for the same seed. `known` are texts to choose from, by the names of arguments."""

    def __init__(self, schema: GraphQLSchema, seed: int, known: Mapping[str, Sequence[Any]]) -> None:
        self._schema = schema
        self._name = f"Drawn{seed}"  # no two have one text
        self._random = random.Random(seed)
        self._known = known
        self._fragments: list[str] = []
        self._declared: list[str] = []
        self._left = 30
        self.variables: dict[str, Any] = {}

    def operation(self) -> str:
        """The document."""
        assert self._schema.query_type is not None
        selected = self._selection(self._schema.query_type, self._random.choice((3, 4, 5)), roots=True)
        declared = f"({' '.join(self._declared)})" if self._declared else ""
        return " ".join([f"query {self._name}{declared} {selected}", *self._fragments])

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _selection(self, type_: GraphQLObjectType | GraphQLInterfaceType, depth: int, *, roots: bool = False) -> str:
        fields = [
            (name, field)
            for name, field in type_.fields.items()
            if depth > 1 or is_leaf_type(get_named_type(field.type))
        ]
        chosen = self._random.sample(fields, min(len(fields), self._random.choice((1, 2) if roots else (1, 3, 6))))
        parts = [self._field(name, field, depth) for name, field in chosen if self._left > 0]
        if isinstance(type_, GraphQLInterfaceType):
            possible = self._random.choice(self._schema.get_possible_types(type_))
            parts.append(f"... on {possible.name} {self._selection(possible, depth - 1)}")
        if self._chance(0.2) or not parts:
            parts.append(self._aliased("__typename") + self._condition())
        if self._chance(0.15):
            parts.append(self._random.choice(parts))  # merged
        return f"{{ {' '.join(self._wrapped(type_.name, part) for part in parts)} }}"

    def _wrapped(self, type_name: str, part: str) -> str:
        if self._chance(0.1):
            condition = self._random.choice(("", f"on {type_name}"))
            return f"... {condition} {self._condition()} {{ {part} }}"
        if self._chance(0.1):
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {type_name} {{ {part} }}")
            return f"...{name} {self._condition()}" + (f" ...{name}" if self._chance(0.2) else "")
        return part

    def _aliased(self, text: str) -> str:
        self._left -= 1
        return f"a{self._left + 100}: {text}" if self._chance(0.2) else text

    def _condition(self) -> str:
        if not self._chance(0.15):
            return ""
        word = self._random.choice(("skip", "include"))
        given = self._random.choice(("true", "false", ""))
        given = given or self._variable(GraphQLNonNull(self._schema.type_map["Boolean"]), "if")
        return f" @{word}(if: {given})"

    def _field(self, name: str, field: Any, depth: int) -> str:
        named = get_named_type(field.type)
        # Two of one name, and other arguments, would not be valid.
        arguments = self._arguments(field.args)
        alias = f"a{self._left + 100}: " if arguments and self._left else ""
        below = "" if is_leaf_type(named) else " " + self._selection(named, depth - 1)
        return f"{alias or self._aliased('')}{name}{arguments}{self._condition()}{below}"

    def _arguments(self, arguments: Mapping[str, GraphQLArgument]) -> str:
        given = []
        for name, argument in arguments.items():
            if isinstance(argument.type, GraphQLNonNull) or self._chance(0.25):
                value = (
                    self._variable(argument.type, name)
                    if self._chance(0.5)
                    else self._literal(argument.type, self._value(argument.type, name))
                )
                given.append(f"{name}: {value}")
        return f"({', '.join(given)})" if given else ""

    def _variable(self, type_: Any, name: str) -> str:
        variable = f"v{len(self._declared)}"
        default = ""
        if self._chance(0.2):
            default = f" = {self._literal(type_, self._value(type_, name))}"
        if default and isinstance(type_, GraphQLNonNull) and self._chance(0.5):
            type_ = type_.of_type
        self._declared.append(f"${variable}: {type_}{default}")
        if self._chance(0.92 if not default else 0.4):
            wrong = self._chance(0.08)
            self.variables[variable] = self._random.choice(WRONG) if wrong else self._value(type_, name)
        return f"${variable}"

    def _value(self, type_: Any, name: str, depth: int = 2) -> Any:
        """As JSON."""
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        elif self._chance(0.1):
            return None
        if isinstance(type_, GraphQLList):
            return [self._value(GraphQLNonNull(get_named_type(type_)), name) for _ in range(self._random.randrange(3))]
        if isinstance(type_, GraphQLEnumType):
            return self._random.choice(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType) and type_.extensions["strawberry-definition"].is_one_of:
            key, field = self._random.choice(list(type_.fields.items()))
            return {key: self._value(GraphQLNonNull(field.type), key, depth - 1)}
        if isinstance(type_, GraphQLInputObjectType):
            return {
                key: self._value(field.type, key, depth - 1)
                for key, field in type_.fields.items()
                if isinstance(field.type, GraphQLNonNull) or (depth and self._chance(0.15))
            }
        if name in self._known and self._chance(0.9):
            return self._random.choice(self._known[name])
        plain: dict[str, tuple[Any, ...]] = {
            "Int": (0, 1, 2, 50, 101, -1),
            "Float": (0, 0.5, 1e9),
            "Boolean": (True, False),
            "DateTime": ("2026-05-28T12:00:00Z", "2026-05-29T00:00:00+02:00"),
        }
        return self._random.choice(plain.get(type_.name, ("x", "engine", "")))

    def _literal(self, type_: Any, value: Any) -> str:
        """As it stands in a document, of a type."""
        if value is None:
            return "null"
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list):
            return f"[{', '.join(self._literal(get_named_type(type_), each) for each in value)}]"
        named = get_named_type(type_)
        if isinstance(value, dict):
            fields = named.fields
            return f"{{{', '.join(f'{key}: {self._literal(fields[key].type, each)}' for key, each in value.items())}}}"
        if isinstance(value, str) and not isinstance(named, GraphQLEnumType):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return str(value)
