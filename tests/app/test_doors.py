"""Random bytes at every door: a coded refusal, or an answer, and never a failure of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.auth import Role
from app.db import Database
from app.errors import ErrorCode
from specs.harness.counts import count
from tests.app.client import client_of

REQUESTS = count("random requests to the doors", 150, 10_000)
PAGES = ("/graphiql", "/admin/automations/history")
FORMS = (
    "application/json",
    "application/json; charset=utf-16",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/x-ndjson",
    "text/plain",
    "",
)
PATHS = ("/graphql", "/graphql", "/api/events", "/api/events", "/session", "/api/x", "/health", "/", *PAGES)
# Below these anything may stand.
FOLDERS = ("/admin/automations/", "/admin/automations/assets/", "/executions/", "/graphql", "/api/", "/")
HEADERS = (
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "content-encoding",
    "cookie",
    "host",
    "if-none-match",
    "origin",
    "range",
    "sec-fetch-site",
    "x-forwarded-for",
    "x-request-id",
    "x-runwatch-cost",
    "x-runwatch-session",
    "ce-id",
    "ce-type",
)
# Bytes as they come, and almost what a door wants.
WANTED = st.sampled_from(
    [
        b'{"query":"{ viewer { name } }"}',
        b'{"query":"{viewer{name}}","variables":{},"operationName":"","extensions":{"persistedQuery":{"version":1}}}',
        b'{"specversion":"1.0","id":"1","source":"s","type":"execution.queued","subject":"x"}',
        b'{"token":"rw_"}',
    ]
)
BODIES = st.binary(max_size=200) | st.tuples(WANTED, st.integers(0, 120), st.binary(max_size=4)).map(
    lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] + len(drawn[2]) :]
)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)
VALUES = TEXTS | st.sampled_from(
    ["gzip", "gzip, gzip", "Bearer rw_x", "runwatch=x", "same-origin", "1", "*", "bytes=0-9"]
)


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(database, Role.ADMIN) as opened:
        yield opened


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=REQUESTS, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(("GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS")),
    path=st.sampled_from(PATHS) | st.tuples(st.sampled_from(FOLDERS), TEXTS).map("".join),
    query=st.dictionaries(st.sampled_from(("query", "variables", "operationName", "extensions", "x")), TEXTS),
    headers=st.dictionaries(st.sampled_from(HEADERS), VALUES, max_size=6),
    form=st.sampled_from(FORMS),
    body=BODIES,
)
async def test_random_bytes_are_answered_by_code(
    admin: httpx.AsyncClient,
    method: str,
    path: str,
    query: dict[str, str],
    headers: dict[str, str],
    form: str,
    body: bytes,
) -> None:
    sent = {name.encode(): value.encode("latin-1") for name, value in {**headers, "content-type": form}.items()}
    answer = await admin.request(method, quote(path), params=query, headers=sent, content=body)
    if path.startswith(("/admin", "/graphiql")) and not answer.headers.get("content-type", "").startswith(
        "application/json"
    ):
        assert answer.status_code < 500 or answer.status_code == 503  # where the page is not built
        return
    assert answer.status_code < 500
    if answer.status_code >= 400 and method != "HEAD":
        for error in answer.json()["errors"]:
            assert error["extensions"]["code"] in set(ErrorCode) - {ErrorCode.INTERNAL}
