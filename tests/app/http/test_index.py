"""What no door takes is answered in the form of all errors."""

from __future__ import annotations

import pytest

from app.db import Database
from tests.app.client import client_of, code_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("path", ["/nothing", "//graphql", "/health/", "/graphql/", "/api/events/", "/%ff%00"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_path_that_leads_nowhere(database: Database, method: str, path: str) -> None:
    async with client_of(database) as client:
        answer = await client.request(method, f"http://test{path}", headers={"host": "elsewhere"})
    assert (answer.status_code, code_in(answer)) == (404, "NOT_FOUND")
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/"), ("PUT", "/health"), ("DELETE", "/graphql"), ("GET", "/api/events")]
)
async def test_a_method_that_is_not_taken(database: Database, method: str, path: str) -> None:
    async with client_of(database) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, code_in(answer)) == (405, "BAD_USER_INPUT")
    assert answer.headers["allow"]
