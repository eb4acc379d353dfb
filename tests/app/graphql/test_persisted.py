"""Documents by hash: found, registered, and bounded so that nobody takes what others use."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from app.auth import Role, Viewer
from app.db import Database
from app.errors import DocumentNotTrusted, PersistedQueryNotFound
from app.graphql import documents, persisted
from app.graphql.messages import Operation
from app.graphql.persisted import Held, Persisted, hash_of
from schema import schema
from tests.app.client import client_of, code_in

QUERY = "{ viewer { name } }"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def extension(hash_: object, version: object = 1) -> dict[str, object]:
    return {"persistedQuery": {"version": version, "sha256Hash": hash_}}


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(database) as opened:
        yield opened


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [
        {"extensions": {"persistedQuery": 1}},
        {"extensions": {"persistedQuery": []}, "query": QUERY},
        {"extensions": extension(None)},
        {"extensions": extension("A" * 64)},
        {"extensions": extension("0" * 63)},
        {"extensions": extension("0" * 64, 2)},
        {"extensions": extension("0" * 64, True)},
        {"extensions": extension("0" * 64, "1")},
        {"extensions": extension("0" * 64), "query": QUERY},
        {"extensions": extension(hash_of(QUERY)), "query": QUERY + " "},
        {"extensions": extension(hash_of("")), "query": ""},
        {"extensions": {"persistedQuery": None}},
    ],
    ids=str,
)
async def test_wrong_hash_is_refused(client: httpx.AsyncClient, body: object) -> None:
    answer = await client.post("/graphql", json=body)
    assert (answer.status_code, code_in(answer)) == (400, "BAD_USER_INPUT")
    assert "data" not in answer.json()


@on_sqlite
async def test_invalid_document_is_not_registered(client: httpx.AsyncClient) -> None:
    for text in ("{ nothing }", "{"):
        by_hash = {"extensions": extension(hash_of(text))}
        assert code_in(await client.post("/graphql", json={"query": text, **by_hash})) == "BAD_USER_INPUT"
        assert code_in(await client.post("/graphql", json=by_hash)) == "PERSISTED_QUERY_NOT_FOUND"


@on_sqlite
async def test_runner_registers_nothing(database: Database) -> None:
    async with client_of(database, Role.RUNNER, "billing") as runner:
        by_hash = {"extensions": extension(hash_of(QUERY))}
        assert (await runner.post("/graphql", json={"query": QUERY, **by_hash})).status_code == 200
        assert code_in(await runner.post("/graphql", json=by_hash)) == "PERSISTED_QUERY_NOT_FOUND"


@on_sqlite
async def test_mutation_by_hash_is_refused_by_get(client: httpx.AsyncClient) -> None:
    text = 'mutation { retryExecution(input: {executionId: "x"}) { __typename } }'
    by_hash = {"extensions": extension(hash_of(text))}
    assert code_in(await client.post("/graphql", json={"query": text, **by_hash})) == "FORBIDDEN"
    answer = await client.get("/graphql", params={"extensions": json.dumps(by_hash["extensions"])})
    assert answer.status_code == 405


def test_credential_loses_its_own_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "MAX_DOCUMENTS_OF_ONE", 3)
    held = Held()
    held.hold("used", "text", "victim")
    held.hold("used", "text", "attacker")
    for number in range(50):
        held.hold(str(number), "x" * 100, "attacker")
    assert held.find("used") == "text"
    assert [held.find(str(number)) is not None for number in (46, 47, 48, 49)] == [False, True, True, True]
    assert (held.documents, held.bytes, len(held)) == (4, 304, 4)


def test_use_keeps_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "MAX_DOCUMENTS_OF_ONE", 2)
    held = Held()
    for hash_ in ("a", "b", "a", "c"):
        held.hold(hash_, hash_, "one")
    assert [held.find(each) for each in "abc"] == ["a", None, "c"]


def test_one_is_bounded_by_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "MAX_BYTES_OF_ONE", 250)
    held = Held()
    for number in range(4):
        held.hold(str(number), "x" * 100, "one")
    assert (held.bytes, len(held)) == (200, 2)
    held.hold("wide", "ü" * 50, "one")
    assert (held.bytes, len(held)) == (200, 1)


def test_full_house_takes_from_who_has_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "MAX_ALL_BYTES", 1_000)
    held = Held()
    held.hold("small", "x" * 50, "victim")
    for number in range(30):
        held.hold(str(number), "x" * 100, f"attacker {number % 2}")
        assert held.bytes <= 1_000
    assert held.find("small")


def test_all_are_bounded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "MAX_DOCUMENTS", 3)
    held = Held()
    for number in range(5):
        held.hold(str(number), "x", f"credential {number}")
    assert (held.documents, len(held)) == (3, 3)


LONG = QUERY + " " * documents.MAX_CHARACTERS


class Registering:
    """What registering asks of a context."""

    may_register_documents = True
    viewer = Viewer("reader", Role.VIEWER, credential="one")


async def tried(persisted_: Persisted, text: str, extensions: Mapping[str, object] | None = None) -> int:
    """How many texts are held after one was sent with its hash, or with other extensions."""
    sent = Operation(text, extensions=extension(hash_of(text)) if extensions is None else dict(extensions))
    await persisted_.register(persisted_.resolve(sent), Registering())
    return len(persisted_.held)


async def test_texts_are_held_that_nobody_lists_and_that_are_kept_parsed() -> None:
    persisted_ = Persisted(schema._schema, lambda: {hash_of(QUERY): QUERY})
    for text, more in ((QUERY, None), (LONG, None), ("{ viewer { role } }", {}), ("{ viewer { role } }", {"a": 1})):
        assert await tried(persisted_, text, more) == 0
    assert await tried(persisted_, LONG[: documents.MAX_CHARACTERS]) == 1
    # A listed one is there from the beginning.
    assert persisted_.resolve(Operation("", extensions=extension(hash_of(QUERY)))).query == QUERY


async def test_only_listed_texts_pass_where_that_is_set() -> None:
    other = "{ viewer { role } }"
    persisted_ = Persisted(schema._schema, lambda: {hash_of(QUERY): QUERY}, only_trusted=True)
    assert await tried(persisted_, QUERY) == 0
    for extensions in (None, {}, extension(hash_of(other))):
        with pytest.raises(DocumentNotTrusted):
            persisted_.resolve(Operation(other, extensions=extensions))
    persisted_.held.hold(hash_of(other), other, "one")  # of the time before, say
    with pytest.raises(PersistedQueryNotFound):
        persisted_.resolve(Operation("", extensions=extension(hash_of(other))))
