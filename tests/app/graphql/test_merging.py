"""Fields that can be merged: what graphql-core says, in time that grows with the document alone."""

from __future__ import annotations

import random
from typing import Any

import pytest
from graphql import FragmentDefinitionNode, build_schema, parse, validate
from graphql.validation import OverlappingFieldsCanBeMergedRule

from app.graphql import merging
from app.graphql.merging import FieldsCanBeMerged
from specs.harness.counts import count

DOCUMENTS = count("documents whose fields may conflict", 400, 20_000)
SCHEMA = build_schema("""
interface Being { name(surname: Boolean): String! friend: Being owner: Human }
type Dog implements Being {
  name(surname: Boolean): String! friend: Being owner: Human barks: Int age: Int! toys: [Toy]
}
type Cat implements Being {
  name(surname: Boolean): String! friend: Being owner: Human meows: Int age: Int toys: Toy
}
type Human implements Being {
  name(surname: Boolean): String! friend: Being owner: Human pets: [Being!]! dog: Dog cat: Cat
}
type Toy { name: String! price: Float }
type Query { being: Being dog: Dog cat: Cat human: Human }
""")
FIELDS = {
    "Being": ["name", "friend", "owner"],
    "Dog": ["name", "friend", "owner", "barks", "age", "toys"],
    "Cat": ["name", "friend", "owner", "meows", "age", "toys"],
    "Human": ["name", "friend", "owner", "pets", "dog", "cat"],
    "Toy": ["name", "price"],
    "Query": ["being", "dog", "cat", "human"],
}
BELOW = {
    "friend": "Being",
    "owner": "Human",
    "pets": "Being",
    "dog": "Dog",
    "cat": "Cat",
    "human": "Human",
    "being": "Being",
    "toys": "Toy",
}


def drawn(choice: random.Random) -> str:
    """A document with few names, so that many fields have the same."""
    fragments: list[str] = []

    def selection(type_: str, depth: int) -> str:
        parts = []
        for _ in range(choice.choice((1, 2, 3))):
            kind = choice.random()
            if kind < 0.2 and type_ in ("Being", "Dog", "Cat", "Human"):
                on = choice.choice(["Being", "Dog", "Cat", "Human"] if type_ == "Being" else [type_, "Being"])
                if choice.random() < 0.5:
                    parts.append(f"... on {on} {selection(on, depth)}" if depth else "__typename")
                elif depth:
                    name = f"F{len(fragments)}"
                    fragments.append("")
                    at = len(fragments) - 1
                    fragments[at] = f"fragment {name} on {on} {selection(on, depth - 1)}"
                    parts.append(f"...{name} ...{name}")
                continue
            name = choice.choice(FIELDS[type_])
            if name in BELOW and not depth:
                continue
            arguments = choice.choice(("", "", "(surname: true)", "(surname: false)")) if name == "name" else ""
            arguments = "" if type_ == "Toy" else arguments
            alias = choice.choice(("", "", "", "x: ", "name: "))
            below = f" {selection(BELOW[name], depth - 1)}" if name in BELOW else ""
            parts.append(f"{alias}{name}{arguments}{below}")
        return f"{{ {' '.join(parts) or '__typename'} }}"

    return " ".join([selection("Query", 4), *fragments])


def test_documents_are_valid_where_graphql_core_says_so() -> None:
    conflicts = 0
    for seed in range(DOCUMENTS):
        document = parse(drawn(random.Random(seed)))
        expected = validate(SCHEMA, document, [OverlappingFieldsCanBeMergedRule])
        found = validate(SCHEMA, document, [FieldsCanBeMerged])
        assert bool(found) == bool(expected), (seed, drawn(random.Random(seed)), expected, found)
        conflicts += bool(expected)
        assert len(found) <= 1
    assert DOCUMENTS * 0.2 < conflicts < DOCUMENTS * 0.95


BELOW_DOG = "Fields 'dog' conflict because subfields 'x' conflict because 'name' and 'barks' are different fields"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ dog { x: name x: barks } }", BELOW_DOG),
        ("{ dog { name name(surname: true) } }", "they have differing arguments"),
        ("{ being { ... on Dog { age } ... on Cat { age } } }", "they return conflicting types 'Int"),
        ("{ being { ... on Dog { toys { name } } ... on Cat { toys { name } } } }", "they return conflicting types"),
        ("{ being { ... on Dog { x: barks } ... on Cat { x: meows } } }", ""),
        ("{ dog { name(surname: true) name(surname: true) } }", ""),
    ],
)
def test_conflicts_are_named(document: str, message: str) -> None:
    found = validate(SCHEMA, parse(document), [FieldsCanBeMerged])
    assert [message in error.message for error in found] == ([True] if message else [])
    assert all(error.message.endswith("if this was intentional.") for error in found)


FRAGMENT = "fragment F{} on Query {{ dog {{ name owner {{ name }} }} }}"


@pytest.mark.parametrize(
    "document",
    [
        f"{{ {'dog { name } ' * 1_000} }}",
        f"{{ dog {{ {'owner { name } ' * 1_000} }} }}",
        f"{{ {' '.join(f'...F{n}' for n in range(300))} }} {' '.join(map(FRAGMENT.format, range(300)))}",
        f"{{ being {{ {'... on Dog { owner { name } } ... on Cat { owner { name } } ' * 300} }} }}",
    ],
)
def test_work_grows_with_the_document(document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, one = 0, merging._shapes

    def counted(*given: Any) -> str:
        nonlocal looked
        looked += 1
        return one(*given)

    monkeypatch.setattr(merging, "_shapes", counted)
    parsed = parse(document)
    assert validate(SCHEMA, parsed, [FieldsCanBeMerged]) == []
    fields = document.count("name") + document.count("dog") + document.count("owner")
    assert 0 < looked <= 3 * fields
    assert any(isinstance(each, FragmentDefinitionNode) for each in parsed.definitions) == ("fragment" in document)
