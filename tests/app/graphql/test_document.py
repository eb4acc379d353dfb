"""Documents: no more is selected by their fragments than could be without any."""

from __future__ import annotations

import pytest
from graphql import GraphQLError, parse

from app.graphql.document import MAX_SELECTIONS, parse_bounded


def levels(count: int, level: str) -> str:
    """Fragments that each spread the next one as `level` says, and an operation that begins with the first."""
    fragments = [f"fragment F{n} on T {{ {level.replace('NEXT', f'...F{n + 1}')} }}" for n in range(count)]
    return " ".join(["{ t { ...F0 } }", *fragments, f"fragment F{count} on T {{ last }}"])


@pytest.mark.parametrize(
    "level",
    [
        "NEXT NEXT NEXT",
        "a { NEXT } a { NEXT NEXT }",
        "a { b { NEXT } ... on T { b { NEXT } } } ... { a { b { NEXT } } }",
    ],
)
def test_selections_executed_once_count_once(level: str) -> None:
    assert parse_bounded(levels(100, level)) == parse(levels(100, level))


@pytest.mark.parametrize(
    "level", ["a: t { NEXT } b: t { NEXT }", "a { NEXT } b { NEXT }", "... { a { NEXT } } ... on T { b: a { NEXT } }"]
)
def test_documents_that_double_with_every_level_are_refused(level: str) -> None:
    assert parse_bounded(levels(5, level)) == parse(levels(5, level))
    for count in (14, 100):
        with pytest.raises(GraphQLError, match=f"more than {MAX_SELECTIONS} selections"):
            parse_bounded(levels(count, level))


def test_the_bound_is_that_of_all_operations() -> None:
    spreads = " ".join(f"a{n}: t {{ ...F }}" for n in range(100))
    fields = " ".join(f"f{n}" for n in range(23))
    fragment = f"fragment F on T {{ {fields} }}"
    one = f"query A {{ {spreads} }}"  # 2,500 selections
    two = f"{one} {one.replace('A', 'B')}"
    assert len(parse_bounded(f"{two} {fragment}").definitions) == 3
    with pytest.raises(GraphQLError, match="selections"):
        parse_bounded(f"{two} query C {{ t }} {fragment}")


def test_fragments_that_validation_refuses_end() -> None:
    """They spread themselves, or are not there."""
    with pytest.raises(GraphQLError, match="selections"):
        parse_bounded("{ t { ...F } } fragment F on T { a { ...F } }")
    for query in ("{ t { ...F } } fragment F on T { ...F }", "{ t { ...G } } fragment F on T { a }", "{ t { ...G } }"):
        assert parse_bounded(query) == parse(query)
