"""A permission is asked for once, before anything else is looked at.

Found by introspection, so that nothing is left out; test_permissions.py says which role may use which root field.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)
from strawberry.types.base import StrawberryObjectDefinition

import resolvers
from app.auth import Permission, Role, Viewer
from app.db import Database
from app.errors import BadInput, Forbidden, Unauthenticated
from app.live.feed import Feed
from app.live.updates import Update
from resolvers.context import Context
from schema import schema
from tests.contexts import context_of
from tests.resolvers.test_permissions import FOR_ADMINISTRATORS, FOR_EVERYBODY, OWN, code_of

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# Modules that hold no resolvers: those of lists and arguments are called by resolvers, after the permission.
NOT_RESOLVERS = {"arguments", "budget", "context", "lists", "loaders"}
ADMINISTRATORS_ONLY = {
    "alerts.delete_rule",
    "alerts.renew_secret",
    "alerts.save_rule",
    "alerts.test_rule",
    "audit.list_entries",
    "engines.connect_engine",
    "engines.disconnect_engine",
    "engines.rotate_secret",
    "engines.test_engine",
    "error_groups.merge_error_groups",
    "error_groups.set_error_group_state",
    "error_groups.split_error_group",
    "error_groups.unmerge_error_group",
    "error_groups.unsplit_error_group",
    "executions.reveal_trigger",
    "resolutions.resolve_executions",
    "resolutions.unresolve_executions",
    "retries.retry_execution",
    "retries.retry_executions",
    "tokens.create_token",
    "tokens.list_tokens",
    "tokens.revoke_token",
}
# Fields that read without asking, because the list that has them asked before it was there.
ASKED_BY_THE_LIST = {"PageInfo.hasNextPage", "PageInfo.hasPreviousPage", "totalCount"}

Resolver = Callable[..., Any]


class Looked(BaseException):
    """Somebody has looked at an argument."""


class Untouchable:
    """An argument that must not be looked at."""

    def _look(self, *_: object) -> Any:
        raise Looked

    __getattr__ = __call__ = __iter__ = __bool__ = __str__ = __format__ = __hash__ = _look
    __eq__ = __lt__ = __gt__ = __le__ = __ge__ = __int__ = __len__ = __getitem__ = _look


def all_resolvers() -> Iterator[tuple[str, Resolver]]:
    """Every public function of resolvers/ by its name."""
    for module in pkgutil.iter_modules(resolvers.__path__):
        if module.name in NOT_RESOLVERS:
            continue
        found = importlib.import_module(f"resolvers.{module.name}")
        for name, function in inspect.getmembers(found, inspect.isfunction):
            if function.__module__ == found.__name__ and not name.startswith("_"):
                yield f"{module.name}.{name}", function


RESOLVERS = dict(all_resolvers())


async def outcome(function: Resolver, context: Context) -> type[BaseException] | None:
    """How a call ends whose arguments must not be looked at; `str` where it has to tell kinds of nodes apart."""
    needed = [name for name in inspect.signature(function).parameters if name != "context"]
    given = {name: "auditEntry" if name == "kind" else Untouchable() for name in needed}
    try:
        result = function(context, **given)
        if isinstance(result, AsyncGenerator):
            await anext(result)
        else:
            await result
    except (Looked, Exception) as error:
        return type(error)
    return None


def counting(monkeypatch: pytest.MonkeyPatch) -> list[Permission]:
    """Each permission that is asked for from now on."""
    asked: list[Permission] = []
    require = Context.require

    def count(self: Context, permission: Permission) -> None:
        asked.append(permission)
        require(self, permission)

    monkeypatch.setattr(Context, "require", count)
    return asked


@on_sqlite
@pytest.mark.parametrize("name", RESOLVERS)
async def test_resolvers_ask_before_they_look(database: Database, name: str) -> None:
    function = RESOLVERS[name]
    for role in Role:
        found = await outcome(function, context_of(database, Viewer("x", role, None)))
        allowed = role is Role.ADMIN or (role is Role.VIEWER and name not in ADMINISTRATORS_ONLY | {"nodes.find_node"})
        assert (found is not Forbidden) == allowed, (role, found)
    assert await outcome(function, context_of(database, None)) is Unauthenticated


def test_resolvers_are_found() -> None:
    assert len(RESOLVERS) > 30
    assert RESOLVERS.keys() > ADMINISTRATORS_ONLY


def root_types() -> dict[str, GraphQLObjectType]:
    graphql = schema._schema
    roots = {"query": graphql.query_type, "mutation": graphql.mutation_type, "subscription": graphql.subscription_type}
    return {kind: type_ for kind, type_ in roots.items() if type_ is not None}


# What the schema allows and no field can mean, by scalar.
CANNOT_BE_MEANT = {
    "ID": ['"nonsense"', '""', '"auditEntry_x"', '"execution_é"'],
    "String": ['"nonsense"', '"\\u0000"', '""', '"' + "x" * 3_000 + '"'],
    "Int": ["0", "-1", "2147483647"],
    "Float": ["-1e300", "1e300"],
    "Boolean": ["false"],
    "DateTime": ['"0001-01-01T00:00:00Z"'],
}


def values(type_: GraphQLInputType, depth: int = 0) -> list[str]:
    """Literals for an argument, most of them invalid."""
    inner = get_nullable_type(type_)
    if isinstance(inner, GraphQLList):
        return [f"[{value}]" for value in values(inner.of_type, depth)] + ["[]"]
    if isinstance(inner, GraphQLEnumType):
        return [next(iter(inner.values))]
    if isinstance(inner, GraphQLInputObjectType) and inner.extensions["strawberry-definition"].is_one_of:
        return [f"{{{name}: {value}}}" for name, each in inner.fields.items() for value in values(each.type)]
    if isinstance(inner, GraphQLInputObjectType):
        return [f"{{{fields}}}" for fields in combinations(inner.fields)]
    return CANNOT_BE_MEANT[get_named_type(inner).name]


def combinations(fields: dict[str, GraphQLArgument] | dict[str, GraphQLInputField]) -> Iterator[str]:
    """What is required alone, and with each of the others."""
    required = {name: values(each.type)[0] for name, each in fields.items() if isinstance(each.type, GraphQLNonNull)}
    yield ", ".join(f"{name}: {value}" for name, value in required.items())
    for name, each in fields.items():
        for value in values(each.type):
            yield ", ".join(f"{key}: {text}" for key, text in {**required, name: value}.items())


def documents() -> Iterator[tuple[str, str]]:
    """Each root field with arguments in every way."""
    for kind, root in root_types().items():
        for name, field in root.fields.items():
            named = get_named_type(field.type)
            selection = "" if is_leaf_type(named) else "{ __typename }"
            for arguments in combinations(field.args):
                yield name, f"{kind} {{ {name}{f'({arguments})' if arguments else ''} {selection} }}"


DOCUMENTS: dict[str, list[str]] = {}
for _name, _document in documents():
    DOCUMENTS.setdefault(_name, []).append(_document)


# By the module, so that both tests of a field come in turn: the second finds its documents parsed and validated.
with_documents = pytest.mark.parametrize("name", DOCUMENTS, scope="module")


@on_sqlite
@with_documents
async def test_the_denied_hear_nothing_of_their_arguments(database: Database, name: str) -> None:
    for_administrators = FOR_ADMINISTRATORS | (root_types()["mutation"].fields.keys() - OWN.keys())
    refused = {Role.RUNNER: name not in FOR_EVERYBODY, Role.VIEWER: name in for_administrators}
    for document in DOCUMENTS[name]:
        for role, denied in refused.items():
            if denied:
                assert await code_of(database, document, Viewer("x", role)) == "FORBIDDEN", (role, document)
        assert await code_of(database, document, None) == "UNAUTHENTICATED", document


@pytest.mark.slow
@on_sqlite
async def test_the_allowed_hear_what_is_wrong_with_them(database: Database) -> None:
    """That the arguments above are such as are refused: else they would show nothing."""
    for name in ("alerts", "errorGroups", "executionHistogram", "executionLogs", "executions", "metrics", "workflows"):
        codes = {await code_of(database, document, Viewer("x", Role.VIEWER)) for document in DOCUMENTS[name]}
        assert "BAD_USER_INPUT" in codes, name
    for name in root_types()["mutation"].fields:
        codes = {await code_of(database, document, Viewer("x", Role.ADMIN)) for document in DOCUMENTS[name]}
        assert codes & {"BAD_USER_INPUT", "NOT_FOUND"}, name
        assert "FORBIDDEN" not in codes


@on_sqlite
@with_documents
async def test_root_fields_ask_once(database: Database, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async def watch(*_: object) -> AsyncGenerator[Update, None]:
        """Does not wait for an update."""
        raise BadInput("none")
        yield

    monkeypatch.setattr(Feed, "watch", watch)
    asked = counting(monkeypatch)
    for document in DOCUMENTS[name]:
        asked.clear()
        await code_of(database, document, Viewer("x", Role.ADMIN))
        assert len(asked) == (0 if name in FOR_EVERYBODY else 1), document


def nested_fields() -> Iterator[tuple[str, type, Any]]:
    """Each field of a type below the roots that asks a resolver for its value."""
    for type_ in schema._schema.type_map.values():
        definition = type_.extensions.get("strawberry-definition")
        if not isinstance(definition, StrawberryObjectDefinition) or type_ in root_types().values():
            continue
        for field in definition.fields:
            name = schema.config.name_converter.from_field(field)
            if field.base_resolver is not None and inspect.iscoroutinefunction(field.base_resolver.wrapped_func):
                yield f"{definition.name}.{name}", definition.origin, field.base_resolver.wrapped_func


NESTED = {name: (origin, function) for name, origin, function in nested_fields()}


@on_sqlite
@pytest.mark.parametrize("name", NESTED)
async def test_nested_fields_ask_for_themselves(database: Database, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """They do not rely on who gave them their parent: a resolver asks, once, whatever way leads to it."""
    if name in ASKED_BY_THE_LIST or name.partition(".")[2] in ASKED_BY_THE_LIST:
        return
    origin, function = NESTED[name]
    parent: Any = object.__new__(origin)
    for attribute in getattr(origin, "__dataclass_fields__", ()):
        setattr(parent, attribute, MagicMock(error_message_bytes=None))
    asked = counting(monkeypatch)
    for viewer, error in ((Viewer("x", Role.RUNNER), Forbidden), (None, Unauthenticated)):
        asked.clear()
        info = MagicMock(context=context_of(database, viewer))
        given = {
            argument: -1 if argument == "first" else None
            for argument in inspect.signature(function).parameters
            if argument not in ("self", "info")
        }
        with pytest.raises(error):
            await function(parent, info, **given)
        assert asked == [Permission.READ]


def test_nested_fields_are_found() -> None:
    assert len(NESTED) > 40
    assert {"Execution.logs", "Trigger.data", "Alert.rule", "ExecutionConnection.totalCount"} < NESTED.keys()
