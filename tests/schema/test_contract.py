"""schema.graphql keeps what clients were promised (contract.graphql), and says what everything in it means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_introspection_type,
    is_non_null_type,
    is_scalar_type,
    is_specified_scalar_type,
    print_type,
    value_from_ast,
)

from app.errors import BadInput, Conflict
from schema.published import breaking_changes, check_schema, sdl, write_schema

CONTRACT = Path(__file__).with_name("contract.graphql")
ROOT = Path(__file__).parent.parent.parent

# What no code answers yet, by the noun that will bring it. What exists has no place here: the list only shrinks.
PENDING: dict[str, set[str]] = {}

# Arguments that say the same wherever they are: the field's own description names them.
SELF_EXPLAINING = {"id", "orderBy", "filter"}


def parts(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Everything that a schema promises, by its name, with its type."""
    for name, type_ in schema.type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        yield name, type(type_).__name__
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{value}", "value") for value in type_.values)
        elif isinstance(type_, GraphQLInputObjectType):
            for field_name, field in type_.fields.items():
                yield f"{name}.{field_name}", str(field.type)
        elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            yield from ((f"{name} implements {each.name}", "interface") for each in type_.interfaces)
            for field_name, output in type_.fields.items():
                yield f"{name}.{field_name}", str(output.type)
                for argument_name, argument in output.args.items():
                    yield f"{name}.{field_name}({argument_name})", str(argument.type)


def arguments(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLArgument]]:
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_):
            for field_name, field in type_.fields.items():
                for argument_name, argument in field.args.items():
                    yield f"{name}.{field_name}({argument_name})", argument


@pytest.fixture(scope="module")
def ours() -> GraphQLSchema:
    return build_schema(sdl())


@pytest.fixture(scope="module")
def contract() -> GraphQLSchema:
    return build_schema(CONTRACT.read_text())


def test_contract_is_kept(ours: GraphQLSchema, contract: GraphQLSchema) -> None:
    promised, existing = dict(parts(contract)), dict(parts(ours))
    pending = set().union(*PENDING.values())
    assert not pending - promised.keys(), "PENDING names what nobody promised"
    assert not pending & existing.keys(), "PENDING names what exists by now"
    missing = {
        name
        for name in promised.keys() - existing.keys()
        # What belongs to a part that is missing altogether is pending with it.
        if name not in pending and not _owners(name) & pending
    }
    assert not missing
    different = {name: (promised[name], existing[name]) for name in promised.keys() & existing.keys()}
    assert not {name: both for name, both in different.items() if both[0] != both[1]}


def _owners(name: str) -> set[str]:
    return {name.partition(" ")[0].partition(".")[0], name.partition("(")[0]}


def test_defaults_are_as_promised(ours: GraphQLSchema, contract: GraphQLSchema) -> None:
    existing = dict(arguments(ours))
    for name, promised in arguments(contract):
        if name in existing and promised.ast_node is not None and promised.ast_node.default_value is not None:
            argument = existing[name]
            assert argument.ast_node is not None
            expected = value_from_ast(promised.ast_node.default_value, promised.type)
            assert argument.ast_node.default_value is not None, name
            assert value_from_ast(argument.ast_node.default_value, argument.type) == expected, name


def test_arguments_beyond_the_contract_are_optional(ours: GraphQLSchema, contract: GraphQLSchema) -> None:
    promised = dict(parts(contract))
    for name, argument in arguments(ours):
        if name not in promised and name.partition("(")[0] in promised:
            required = str(argument.type).endswith("!") and argument.ast_node and not argument.ast_node.default_value
            assert not required, f"{name} is required, and clients do not know it"


def test_everything_is_described(ours: GraphQLSchema) -> None:
    silent = set()
    for name, type_ in ours.type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        if not type_.description:
            silent.add(name)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            silent |= {f"{name}.{field}" for field, value in type_.fields.items() if not value.description}
    silent |= {
        name
        for name, argument in arguments(ours)
        if not argument.description and name.partition("(")[2].rstrip(")") not in SELF_EXPLAINING
    }
    assert not silent


def test_scalars_name_what_specifies_them(ours: GraphQLSchema) -> None:
    own = [each for each in ours.type_map.values() if is_scalar_type(each) and not is_specified_scalar_type(each)]
    assert {each.name: getattr(each, "specified_by_url", None) for each in own} == {
        "DateTime": "https://www.rfc-editor.org/rfc/rfc3339",
        "JSON": "https://www.rfc-editor.org/rfc/rfc8259",
    }


def test_root_fields_are_alphabetical(ours: GraphQLSchema) -> None:
    for root in (ours.query_type, ours.mutation_type, ours.subscription_type):
        if root is not None:
            assert list(root.fields) == sorted(root.fields, key=str.lower)


def test_a_query_that_fails_takes_no_other_with_it(ours: GraphQLSchema) -> None:
    """An error in a field that cannot be null makes all data null."""
    assert ours.query_type is not None
    assert [name for name, field in ours.query_type.fields.items() if is_non_null_type(field.type)] == ["viewer"]


def test_types_have_no_union_without_description(ours: GraphQLSchema) -> None:
    unions: list[GraphQLNamedType] = [each for each in ours.type_map.values() if isinstance(each, GraphQLUnionType)]
    assert all(union.description for union in unions), [print_type(union) for union in unions]


def test_the_published_file_is_fresh() -> None:
    check_schema(ROOT / "schema.graphql")


def test_a_stale_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="is stale"):
        check_schema(tmp_path / "schema.graphql")
    stale = tmp_path / "stale.graphql"
    stale.write_text(sdl().replace("  attempt: Int!", "  attempt: Int!\n\n  gone: Int!", 1))
    with pytest.raises(Conflict, match=r"breaks clients: .*Execution\.gone"):
        check_schema(stale)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  attempt: Int!", "  attempt: Int!\n  gone: Int!", "Execution.gone"),
        ("  retryOf: Execution\n", "  retryOf: Execution!\n", "Execution.retryOf"),
        ("  WEBHOOK\n", "  WEBHOOK\n  PIGEON\n", "PIGEON"),
        ("type Viewer {", "type Removed { name: String }\n\ntype Viewer {", "Removed"),
    ],
)
def test_a_change_that_breaks_clients_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    published = tmp_path / "schema.graphql"
    before = sdl().replace(old, new, 1)
    assert before != sdl()
    published.write_text(before)
    with pytest.raises(Conflict, match=said):
        write_schema(published, allow_breaking=False)
    assert published.read_text() == before
    write_schema(published, allow_breaking=True)
    assert published.read_text() == sdl()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"# no schema", b"type Query { viewer: Nobody }"])
def test_a_file_without_a_schema_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "notes.txt"
    other.write_bytes(content)
    for refused in (check_schema, partial(write_schema, allow_breaking=False)):
        with pytest.raises(BadInput, match="has no GraphQL schema"):
            refused(other)
    assert other.read_bytes() == content


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """Such as /dev/stdout, a pipe in a shell's pipeline: reading it would wait for what is yet to be written."""
    reading, writing = os.pipe()
    pipe = tmp_path / "pipe"
    pipe.symlink_to(f"/dev/fd/{writing}")
    with ThreadPoolExecutor() as threads, os.fdopen(reading) as read:
        written = threads.submit(read.read)
        write_schema(pipe, allow_breaking=False)
        os.close(writing)
        assert written.result() == sdl()


def test_an_addition_breaks_nobody(tmp_path: Path) -> None:
    published = tmp_path / "schema.graphql"
    published.write_text("type Query { viewer: Viewer! } type Viewer { name: String! }")
    write_schema(published, allow_breaking=False)
    assert published.read_text() == sdl()
    assert breaking_changes(sdl(), sdl()) == []
