"""Documents that were seen before: what is kept of them, and that it is bounded."""

from __future__ import annotations

import asyncio
import threading
from unittest.mock import MagicMock

import pytest
import strawberry
from graphql import DocumentNode, GraphQLError

from app.errors import BadInput
from app.graphql import documents
from app.graphql.documents import Documents, OneOperation, documents_of


@strawberry.type
class Query:
    n: int = 1


class Counted:
    """Counts validations."""

    def __init__(self, *errors: GraphQLError) -> None:
        self.calls = 0
        self.errors = list(errors)

    def __call__(self, _: DocumentNode) -> list[GraphQLError]:
        self.calls += 1
        return self.errors


class Held:
    """Validates once it may, and keeps the names of the fields."""

    def __init__(self) -> None:
        self.names = list[str]()
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self, document: DocumentNode) -> list[GraphQLError]:
        self.began.set()
        self.may_end.wait()
        self.names.append(document.definitions[0].selection_set.selections[0].name.value)  # type: ignore[attr-defined]
        return []


def long_text(field: str) -> str:
    """One that is prepared beside the loop."""
    return f"{{ {field} {' ' * documents.MAX_CHARACTERS_IN_LOOP} }}"


def test_document_is_validated_once_for_each_text_and_name() -> None:
    validate = Counted()
    known = Documents(validate)
    first = known.find("query A { n } query B { n }", "A")
    assert known.find("query A { n } query B { n }", "A") is first
    assert known.find("query A { n } query B { n }", "B") is not first
    assert (validate.calls, len(known)) == (2, 2)


@pytest.mark.parametrize(
    ("query", "name", "kind"),
    [("{", None, GraphQLError), ("fragment F on Q { n }", None, BadInput), ("query A { n }", "B", BadInput)],
)
def test_refusal_is_raised_each_time_without_frames(query: str, name: str | None, kind: type[Exception]) -> None:
    prepared = Documents(Counted()).find(query, name)
    for _ in range(3):
        with pytest.raises(kind) as raised:
            prepared.parsed()
    depth, frame = 0, raised.value.__traceback__
    while frame is not None:
        depth, frame = depth + 1, frame.tb_next
    assert depth == 2, "this test's frame and that of the method"


def test_least_recently_used_document_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", 2)
    validate = Counted()
    known = Documents(validate)
    for query in ("{ a }", "{ b }", "{ a }", "{ c }", "{ a }"):
        known.find(query, None)
    assert (validate.calls, len(known)) == (3, 2)
    known.find("{ b }", None)
    assert validate.calls == 4


def test_documents_are_bounded_by_their_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_ALL_CHARACTERS", 1_000)
    monkeypatch.setattr(documents, "MAX_CHARACTERS", 400)
    known = Documents(Counted())
    for number in range(50):
        known.find(f"{{ a{number} {'b' * 200} }}", None)
        assert known.characters <= 1_000
    assert len(known) == 4
    known.find(f"{{ {'b' * 400} }}", None)
    assert len(known) == 4, "too long to be kept"


def test_what_errors_quote_counts_as_well() -> None:
    known = Documents(Counted(GraphQLError("x" * documents.MAX_CHARACTERS)))
    assert known.find("{ a }", None).invalid
    assert len(known) == 0


async def test_schema_answers_a_second_time_as_the_first() -> None:
    schema = strawberry.Schema(Query, extensions=[OneOperation])
    for query in ("{ n }", "{ m }", "{", "{ n } { n }"):
        first, second = [await schema.execute(query, root_value=Query()) for _ in range(2)]
        assert first.data == second.data
        assert [str(each) for each in first.errors or ()] == [str(each) for each in second.errors or ()]
        assert bool(first.errors) == (query != "{ n }")
    assert len(documents_of(schema._schema)) == 4


async def test_long_text_is_compiled_in_the_thread_that_validated_it() -> None:
    threads = list[threading.Thread]()

    def validate(_: DocumentNode) -> list[GraphQLError]:
        threads.append(threading.current_thread())
        return []

    known = Documents(validate)
    long = f"{{ n {' ' * documents.MAX_CHARACTERS_IN_LOOP} }}"
    await known.prepare(long, None, "a")
    assert await known.beside(long, "a", threading.current_thread) is threads[0]
    assert threads[0] is not threading.current_thread()
    assert await known.beside("{ n }", "a", threading.current_thread) is threading.current_thread()


async def test_document_that_an_operation_has_is_found_however_many_came_since(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", 0)
    validate = Counted()
    known = Documents(validate)
    prepared = await known.prepare(long_text("n"), None, "a")
    for number in range(10):
        await known.prepare(long_text(f"a{number}"), None, "a")
    assert known.find(long_text("n"), None) is prepared
    assert (validate.calls, len(known)) == (11, 0)
    del prepared
    assert not known.is_known(long_text("n"), None)


async def test_text_that_nobody_wants_any_longer_is_not_parsed() -> None:
    validate = Held()
    known = Documents(validate)
    tasks = [
        asyncio.create_task(known.prepare(long_text(name), None, "a")) for name in ("first", "left", "kept", "kept")
    ]
    await asyncio.to_thread(validate.began.wait)
    for task in tasks[1:3]:
        task.cancel()
    await asyncio.wait(tasks[1:3])
    validate.may_end.set()
    await tasks[0]
    await tasks[3]
    assert validate.names == ["first", "kept"]
    await known.prepare(long_text("left"), None, "a")
    assert validate.names == ["first", "kept", "left"]


async def test_text_of_somebody_elses_queue_is_parsed_in_ones_own_turn() -> None:
    validate = Held()
    known = Documents(validate)
    tasks = [asyncio.create_task(known.prepare(long_text(name), None, "many")) for name in ("a", "b", "c", "page")]
    await asyncio.to_thread(validate.began.wait)
    opened = asyncio.create_task(known.prepare(long_text("page"), None, "one"))
    await asyncio.sleep(0)
    validate.may_end.set()
    assert await opened is await tasks[3]
    await asyncio.wait(tasks)
    assert validate.names == ["a", "b", "page", "c"]


def test_rules_are_asked_of_each_kind_of_node_that_they_look_at() -> None:
    for rule in documents._RULES:
        visitor = rule(MagicMock())
        looks = {kind for kind in documents._KINDS if any(visitor.get_enter_leave_for_kind(kind))}
        assert documents._KINDS - documents._passed_over(rule).keys() == looks != set()
