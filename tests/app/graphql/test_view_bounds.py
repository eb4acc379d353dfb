"""What a request over HTTP pays for, and how long it has its place."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from starlette.types import Message

from app.auth.roles import Role
from app.auth.tokens import create_token
from app.db import Database
from app.graphql.documents import MAX_CHARACTERS_IN_LOOP, documents_of
from app.main import create_app
from app.settings import Settings
from schema import schema
from tests.app.client import client_of, code_in
from tests.app.graphql.test_view import JSON, QUERY, post
from tests.clocks import Clock
from tests.sealing import SEALER

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WHOLE_SCHEMA = (
    "{ __schema { types { name description"
    " fields { name description type { name kind } args { name description type { name } } } } } }"
)


async def test_large_answer_has_a_place_until_it_is_taken(database: Database) -> None:
    """Otherwise a client that reads nothing would have one after the other held in memory."""
    secret, _ = await create_token(database, "one", Role.VIEWER)
    app = create_app(Settings.model_validate({"max_concurrent_operations": 1}), database, SEALER)
    takes, sent = asyncio.Event(), asyncio.Event()

    async def send_slowly(message: Message) -> None:
        if message["type"] == "http.response.body":
            if not message.get("more_body"):
                sent.set()
                await takes.wait()
            else:
                assert len(message["body"]) > 64 * 1024

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"authorization", f"Bearer {secret}".encode()), (b"content-type", b"application/json")],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": json.dumps({"query": WHOLE_SCHEMA}).encode()}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        client.headers["authorization"] = f"Bearer {secret}"
        slow = asyncio.ensure_future(app(scope, receive, send_slowly))
        await sent.wait()
        waiting = asyncio.create_task(post(client, {"query": QUERY}))
        await asyncio.wait([waiting], timeout=0.1)
        assert not waiting.done()
        takes.set()
        await slow
        assert (await waiting).json() == {"data": {"viewer": {"name": "one"}}}


@pytest.fixture
def occupied() -> Iterator[None]:
    """The thread of long documents has something else to do."""
    ends = threading.Event()
    beside = documents_of(schema._schema)._thread.submit("somebody else", ends.wait)
    yield
    ends.set()
    beside.result()


@pytest.mark.usefixtures("occupied")
@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_document_that_waits_to_be_parsed_has_the_time_of_its_operation(database: Database, kind: str) -> None:
    async with client_of(database, max_operation_seconds=0.05) as client:
        answer = await post(client, {"query": f"{kind} Late {{ __typename }}{' ' * MAX_CHARACTERS_IN_LOOP}"})
        assert (answer.status_code, code_in(answer)) == (200, "LIMIT_EXCEEDED")
        assert (await post(client, {"query": QUERY})).json() == {"data": {"viewer": {"name": "viewer"}}}


async def test_bodies_and_compression_are_paid_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is decompressed of a body, whatever becomes of it, and what is compressed of an answer."""
    monkeypatch.setattr(time, "monotonic", Clock(1_000.0))
    bomb = gzip.compress(b" " * 900_000)

    async def spent(*bodies: bytes, accept: str = "identity", **headers: str) -> int:
        """What bodies cost, by how many queries of 102 the token has left of 10,000."""
        most = 10_000
        async with client_of(database, Role.VIEWER, max_cost_per_minute=most, max_operation_cost=most) as client:
            headers |= {"content-type": JSON, "accept-encoding": accept}
            for body in bodies:
                assert (await client.post("/graphql", content=body, headers=headers)).status_code in (200, 400, 413)
            left = 0
            while (await post(client, {"query": QUERY})).status_code == 200:
                left += 1
            return most - left * 102

    nothing = await spent()
    assert 900 <= await spent(bomb, **{"content-encoding": "gzip"}) - nothing <= 1_100
    too_long = gzip.compress(b" " * 3_000_000)
    assert 1_000 <= await spent(too_long, **{"content-encoding": "gzip"}) - nothing <= 1_300
    asked = json.dumps({"query": WHOLE_SCHEMA}).encode()
    plain, compressed = await spent(asked), await spent(asked, accept="gzip")
    assert 300 <= compressed - plain <= 3_000
