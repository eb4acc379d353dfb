"""Random selections of a schema's fields."""

from __future__ import annotations

import random

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type, is_required_argument

# What asks for another page of executions, or ids of times: selections stay small and quick.
LEFT_OUT = frozenset({"executions", "metrics"})


class Selections:
    """Draws selections, the same for the same seed."""

    def __init__(self, schema: GraphQLSchema, seed: int) -> None:
        self._schema = schema
        self._random = random.Random(seed)
        self._aliases = 0

    def of(self, type_name: str, depth: int) -> str:
        """A selection of at least one field of a type, nested up to `depth`."""
        type_ = self._schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        chosen = ["__typename"] if self._random.random() < 0.2 else []
        for name, field in type_.fields.items():
            if name not in LEFT_OUT and self._random.random() < 0.5 and self._fits(field, depth):
                chosen.append(self._field(name, field, depth))
        self._random.shuffle(chosen)
        return f"{{ {' '.join(chosen or ['__typename'])} }}"

    def _fits(self, field: GraphQLField, depth: int) -> bool:
        named = get_named_type(field.type)
        required = any(is_required_argument(argument) for argument in field.args.values())
        return not required and (is_leaf_type(named) or (depth > 1 and isinstance(named, GraphQLObjectType)))

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        named = get_named_type(field.type)
        below = "" if is_leaf_type(named) else self.of(named.name, depth - 1)
        if self._random.random() < 0.2:
            self._aliases += 1
            return f"a{self._aliases}: {name} {below}"
        return f"{name} {below}" if self._random.random() < 0.9 or not below else f"{name} {below} {name} {below}"
