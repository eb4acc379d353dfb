"""The second line of defence: without the gate nothing is executed, parsed or revealed either."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.db.dialect import Dialect
from app.graphql.view import GraphQLView
from resolvers.context import Context
from schema import schema
from tests.app.client import code_in
from tests.contexts import context_of

DOCUMENTS = [
    "{ engines { name } }",
    "{ viewer { name } }",
    "{ __schema { types { name } } }",
    "{ __typename }",
    "{ nothing }",
    "{",
    "query A { viewer { name } } query B { viewer { name } }",
    "mutation { nothing }",
]


class NoDatabase:
    """Fails the test as soon as anything is asked of it, but of which kind it is."""

    dialect = Dialect.SQLITE

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the database was asked for {name}")


def nobody() -> Context:
    return context_of(NoDatabase(), None)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The root fields whose resolver was called."""
    called: list[str] = []
    query_type = schema._schema.query_type
    assert query_type is not None
    for name, field in query_type.fields.items():
        monkeypatch.setattr(field, "resolve", lambda *_, name=name, **__: called.append(name))
    return called


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_anonymous_operations_are_not_executed(document: str, resolved: list[str]) -> None:
    for context in (nobody(), None, object()):
        for result in (
            await schema.execute(document, context_value=context),
            schema.execute_sync(document, context_value=context),
        ):
            assert result.data is None
            assert result.errors is not None
            (error,) = result.errors
            assert error.original_error is not None
            assert error.original_error.extensions == {"code": "UNAUTHENTICATED"}  # type: ignore[attr-defined]
    assert resolved == []


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_the_view_answers_401_without_the_gate(document: str, accept: str, resolved: list[str]) -> None:
    view = GraphQLView(schema, lambda _: nobody(), max_body_bytes=10_000)
    app = Starlette(routes=[Route("/graphql", view, methods=["GET", "POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for answer in (
            await client.post("/graphql", json={"query": document}, headers={"accept": accept}),
            await client.get("/graphql", params={"query": document}, headers={"accept": accept}),
        ):
            assert (answer.status_code, code_in(answer)) == (401, "UNAUTHENTICATED")
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert "data" not in answer.json()
    assert resolved == []
