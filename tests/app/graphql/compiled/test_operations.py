"""Every operation that the page, the specs and the documents have is compiled; introspection is kept."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    Visitor,
    get_introspection_query,
    parse,
    print_ast,
    validate,
    visit,
)

from app.auth import Role, Viewer
from app.db import Database
from app.graphql import queries as kept
from app.graphql.compiled import compile_operation
from app.graphql.messages import Operation
from app.graphql.queries import Queries
from schema import schema
from tests.app.graphql.compiled.asking import by_core, by_plan
from tests.contexts import context_of
from tests.databases import before_any_statement as on_sqlite

ROOT = Path(__file__).parents[4]
PAGE = re.compile(r"graphql\(\s*`(.*?)`", re.DOTALL)
FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def texts_of_the_page() -> Iterator[str]:
    """Each operation with the fragments that it spreads."""
    found = [match for path in (ROOT / "dashboard" / "src").rglob("*.ts*") for match in PAGE.findall(path.read_text())]
    definitions = [each for text in found for each in parse(text).definitions]
    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    for operation in definitions:
        if isinstance(operation, OperationDefinitionNode):
            names: list[str] = []
            _spread(operation, fragments, names)
            yield "\n".join(print_ast(each) for each in (operation, *(fragments[name] for name in names)))


def _spread(node: object, fragments: dict[str, FragmentDefinitionNode], names: list[str]) -> None:
    class Spreads(Visitor):
        def enter_fragment_spread(self, spread: FragmentSpreadNode, *_: object) -> None:
            if spread.name.value not in names:
                names.append(spread.name.value)
                _spread(fragments[spread.name.value], fragments, names)

    visit(node, Spreads())  # type: ignore[arg-type]


def texts_of_python(folder: str) -> Iterator[str]:
    """Strings that might be documents."""
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "{" in node.value:
                yield node.value


def texts_of_documents() -> Iterator[str]:
    """Fenced blocks, and the documents within bodies of JSON."""
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for block in FENCE.findall(path.read_text()):
            yield block
            yield from re.findall(r'"query": "(.*?)"[,}]', block)


def compiled(texts: Iterator[str]) -> int:
    """Compile every operation that is valid; how many there are."""
    count = 0
    for text in dict.fromkeys(texts):
        try:
            document = parse(text)
        except GraphQLSyntaxError:
            continue
        operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        if validate(schema._schema, document) or "__schema" in text or "__type(" in text:
            continue
        for operation in operations:
            found = compile_operation(schema, document, operation)
            for value in (True, False):
                found.plan(dict.fromkeys(found.conditions, value))
            count += 1
    return count


def test_operations_of_the_page_are_compiled() -> None:
    texts = list(texts_of_the_page())
    assert len(texts) >= 19
    assert compiled(iter(texts)) == len(texts)


@pytest.mark.slow
def test_operations_of_specs_tests_and_documents_are_compiled() -> None:
    assert compiled(texts_of_python("specs")) > 40
    assert compiled(texts_of_python("examples")) + compiled(texts_of_python("benchmarks")) > 2
    assert compiled(texts_of_documents()) > 1


@on_sqlite
async def test_introspection_is_executed_once_for_each_text(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, context = Queries(schema), context_of(database)
    query = get_introspection_query()
    first = await queries.answer(Operation(query), context)
    assert first == await by_core(query, None, context)
    second = await queries.answer(Operation(query), context)
    assert second is first
    limit = 4 * len(first)
    monkeypatch.setattr(kept, "MAX_INTROSPECTION_BYTES", limit)
    for number in range(6):
        again = await queries.answer(Operation(query + f"# {number}"), context)
        assert again == first
        assert queries._bytes <= limit
    assert await queries.answer(Operation(query), context_of(database, None)) is None, "nobody has signed in"


@on_sqlite
async def test_type_of_the_root_is_answered_like_introspection(database: Database) -> None:
    queries, context = Queries(schema), context_of(database)
    for query in ("{ __typename }", "{ a: __typename __typename @skip(if: true) b: __typename }"):
        first = await queries.answer(Operation(query), context)
        assert first == await by_core(query, None, context)
        assert await queries.answer(Operation(query), context) is first
    assert queries._bytes == 0, "nothing else may go for these"
    assert await queries.answer(Operation("{ __typename }"), context_of(database, None)) is None, "nobody has signed in"


@on_sqlite
async def test_what_plans_do_not_answer(database: Database) -> None:
    nobody, runner = context_of(database, None), context_of(database, Viewer("r", Role.RUNNER, "engine"))
    reference = context_of(database)
    reference.compiled = False
    assert (
        await by_plan("{ viewer { name } }", None, context_of(database)) == b'{"data":{"viewer":{"name":"somebody"}}}'
    )
    for document, context in (
        ("{ viewer { name } }", nobody),
        ("{ viewer { name } }", reference),
        ("{ engines { name } }", runner),
        ("{ nothing }", context_of(database)),
        ("{", context_of(database)),
        ('mutation { deleteAlertRule(id: "x") }', context_of(database)),
        ("query A { __typename } query B { __typename }", context_of(database)),
    ):
        assert await by_plan(document, None, context) is None, document
