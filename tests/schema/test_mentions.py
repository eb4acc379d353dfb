"""Whether an operation asks for something is found however it asks, and in linear time."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import cast

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse

from app import clock
from app.db import Database
from app.graphql.bounds import Bounds
from schema import schema
from schema.context import Info
from schema.mentions import mentions, selects
from tests.contexts import context_of
from tests.factories import execution_row, insert_engine, insert_executions, insert_workflow


def info_of(document: str) -> Info:
    """The info that a resolver of the document's only operation receives."""
    nodes = parse(document).definitions
    fragments = {node.name.value: node for node in nodes if isinstance(node, FragmentDefinitionNode)}
    operation = next(node for node in nodes if isinstance(node, OperationDefinitionNode))
    raw = SimpleNamespace(operation=operation, fragments=fragments)
    return cast(Info, SimpleNamespace(_raw_info=raw))


def asks(document: str, *names: str) -> bool:
    """Whether a document mentions one of the names."""
    return mentions(info_of(document), names)


@pytest.mark.parametrize(
    "document",
    [
        "{ metrics { trend { total } } }",
        "{ m: metrics { total points: trend { total } } }",
        "{ metrics { ... on ExecutionMetrics { trend { total } } } }",
        "{ metrics { ... @include(if: true) { trend { total } } } }",
        "{ metrics { ...F } } fragment F on ExecutionMetrics { trend { total } }",
        "{ metrics { ...F } } fragment F on ExecutionMetrics { ...G } fragment G on ExecutionMetrics { trend { end } }",
        "{ workflows { nodes { metrics { byWorkflow { workflow { metrics { trend { end } } } } } } } }",
    ],
)
def test_mentioned_fields_are_found(document: str) -> None:
    assert asks(document, "trend")
    assert asks(document, "nothing of it", "trend")
    assert not asks(document, "nothing of it")


@pytest.mark.parametrize(
    "document",
    [
        "{ metrics { total } }",
        "{ trend: metrics { total } }",
        "query trend { metrics { ...trend } } fragment trend on ExecutionMetrics { total }",
        '{ metrics(filter: {engine: ["trend"]}) { total } }',
        "query ($trend: MetricsFilter) { metrics(filter: $trend) { total } }",
    ],
)
def test_another_word_is_not_taken_for_it(document: str) -> None:
    assert not asks(document, "trend")


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("cursor entries { id }", True),
        ("all: entries { id }", True),
        ("...F", True),
        ("...G", True),
        ("... on LogUpdate { entries { id } }", True),
        ("entries @include(if: $yes) { id }", True),
        ("entries @skip(if: $no) { id }", True),
        ("entries @skip(if: true) { id } ...F", True),
        ("...F @skip(if: $yes) ...G @include(if: true)", True),
        ("cursor", False),
        ("entries: entry { id }", False),
        ("entry { step { entries: name } }", False),
        ("entries @include(if: $no) { id }", False),
        ("entries @skip(if: true) { id }", False),
        ("entries @include(if: $yes) @skip(if: $yes) { id }", False),
        ("...F @skip(if: $yes)", False),
        ("... @include(if: false) { entries { id } }", False),
        ("...H", False),
    ],
)
def test_fields_right_below_that_the_answer_will_have(selection: str, expected: bool) -> None:
    document = (
        "subscription ($yes: Boolean!, $no: Boolean!) { log(id: 1) { %s } }"
        " fragment F on LogUpdate { ...G } fragment G on LogUpdate { ...F entries { id } }"
        " fragment H on LogUpdate { entry { entries: id } }"
    )
    nodes = parse(document % selection).definitions
    fragments = {node.name.value: node for node in nodes if isinstance(node, FragmentDefinitionNode)}
    operation = next(node for node in nodes if isinstance(node, OperationDefinitionNode))
    raw = SimpleNamespace(
        field_nodes=operation.selection_set.selections, fragments=fragments, variable_values={"yes": True, "no": False}
    )
    assert selects(cast(Info, SimpleNamespace(_raw_info=raw)), "entries") is expected


def nested(levels: int, spreads: int = 2) -> str:
    """Fragments that spread each other many times, and would take for ever if each spread were followed."""
    every = [
        f"fragment F{n} on Workflow {{ metrics {{ byWorkflow {{ workflow {{ {f'...F{n + 1} ' * spreads}}} }} }} }}"
        for n in range(levels)
    ]
    last = f"fragment F{levels} on Workflow {{ name }}"
    return " ".join(["{ workflows(first: 1) { nodes { ...F0 } } }", *every, last])


class Counting(frozenset[str]):
    """Names that know how often somebody looked for one."""

    looks = 0

    def __contains__(self, name: object) -> bool:
        self.looks += 1
        assert self.looks < 10_000, "it never ends"
        return super().__contains__(name)


def test_fragments_are_looked_at_once() -> None:
    """However often each is spread."""
    names = Counting(["trend"])
    assert not mentions(info_of(nested(200, 9)), names)
    assert names.looks == 2 + 200 * 3 + 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_kilobyte_of_nested_fragments_is_answered_at_once(database: Database) -> None:
    engine = await insert_engine(database, "engine")
    workflow = await insert_workflow(database, engine, "nightly")
    queued_at = clock.now_us() - clock.SECOND
    await insert_executions(database, execution_row(engine_id=engine, workflow_id=workflow, queued_at=queued_at))
    document = nested(12)
    assert 900 < len(document) < 1_100
    start = time.process_time()
    result = await schema.execute(document, context_value=context_of(database, bounds=Bounds(cost=10**40)))
    assert time.process_time() - start < 5  # 0.05 s; where each spread counts, minutes
    assert result.errors is None
    assert result.data is not None
    (found,) = result.data["workflows"]["nodes"]
    for _ in range(12):
        found = found["metrics"]["byWorkflow"][0]["workflow"]
    assert found == {"name": "nightly"}
