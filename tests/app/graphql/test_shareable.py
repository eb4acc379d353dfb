"""Which subscriptions can share their results."""

from __future__ import annotations

import pytest

from app.graphql.documents import documents_of
from app.graphql.shareable import ShareableDocuments
from app.live.sharing import SHARED
from schema import schema

FRAGMENT = "fragment F on ExecutionUpdate "
MANY = "{ execution { retries(first: $n) { id } } }"
SMALL = (
    "subscription U($filter: ExecutionFilter, $after: String)"
    " { executionUpdated(filter: $filter, after: $after) { cursor change matches execution { externalId state } } }"
)


@pytest.mark.parametrize(
    ("document", "shareable"),
    [
        (SMALL, True),
        ("subscription { executionUpdated { cursor } }", True),
        ("subscription { executionUpdated(filter: {status: [FAILURE]}) { ...F } }" + FRAGMENT + "{ cursor }", True),
        ("subscription($a: String) { u: executionUpdated(after: $a) { cursor } }", True),
        ("subscription($n: Int!) { executionUpdated { execution { logs(first: $n) { nodes { id } } } } }", False),
        ("subscription($n: Int!) { executionUpdated { ...F } }" + FRAGMENT + MANY, False),
        ("subscription($w: Boolean!) { executionUpdated { cursor @include(if: $w) } }", False),
        ("subscription($w: Boolean!) { executionUpdated @skip(if: $w) { cursor } }", False),
        ('subscription { executionLogAppended(executionId: "x") { cursor } }', False),
        ("subscription { ...F } fragment F on Subscription { executionUpdated { cursor } }", False),
        ("{ executions { nodes { id } } }", False),
        ("subscription A { executionUpdated { cursor } } subscription B { executionUpdated { change } }", False),
        ("subscription { executionUpdated { nothing } }", False),
        ("subscription { executionUpdated { cursor }", False),
    ],
)  # fmt: skip
def test_documents_that_can_be_shared(document: str, shareable: bool) -> None:
    documents = ShareableDocuments(documents_of(schema._schema), SHARED)
    assert [documents.find(document, None) is not None for _ in range(2)] == [shareable] * 2


def test_the_operation_that_is_named() -> None:
    documents = ShareableDocuments(documents_of(schema._schema), SHARED)
    both = "subscription A { executionUpdated { cursor } } query B { viewer { name } }"
    assert [documents.find(both, name) is not None for name in ("A", "B", "C", None)] == [True, False, False, False]
