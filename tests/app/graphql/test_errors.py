"""What clients are told of an operation that cannot be executed."""

from __future__ import annotations

import pytest
from graphql import build_schema, graphql_sync

from app.graphql.errors import shown_all

SCHEMA = build_schema(
    "input Hook { url: String! token: String } type Query { f(hook: Hook, hooks: [Hook!], n: Int): Int }"
)
SECRET = "tk_s3cr3t"


@pytest.mark.parametrize(
    ("document", "value", "says"),
    [
        ("query($v: Hook) { f(hook: $v) }", {"token": SECRET}, "to include required field 'url'"),
        ("query($v: Hook) { f(hook: $v) }", {"url": "x", "tokn": SECRET}, "Did you mean 'token'?"),
        ("query($v: [Hook!]) { f(hooks: $v) }", [{"url": "x"}, {"token": [SECRET]}], "include required field 'url'"),
        ("query($v: Hook) { f(hook: $v) }", [SECRET], "Expected value of type 'Hook' to be an object"),
        ("query($v: Int) { f(n: $v) }", "ten", "Int cannot represent non-integer value: 'ten'"),
    ],
)
def test_value_that_does_not_fit_is_not_told_with_all_beside_it(document: str, value: object, says: str) -> None:
    told = shown_all(graphql_sync(SCHEMA, document, variable_values={"v": value}).errors or ())
    assert says in str(told)
    assert SECRET not in str(told)
