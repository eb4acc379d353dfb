"""Bodies beyond what a process can work on are refused by their heads."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from functools import partial

import pytest
from starlette.types import Receive, Scope, Send

from app.monitor import numbers
from app.server import admission as admission_module
from app.server.admission import MAX_BYTES, Admission, Admitted
from app.server.http_protocol import MAX_HEAD_BYTES, Arriving, HttpProtocol
from specs.harness.waiting import until
from tests.app.http.gates import serving
from tests.app.server.talking import echo, send

EVENT = b"POST /api/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\ncontent-length: 3\r\n\r\nabc"
QUERY = EVENT.replace(b"/api/events", b"/graphql").replace(b"authorization: Bearer", b"cookie: runwatch=")
DOORS = {
    "events": (EVENT, Admission.of_events, "/api/events", "RUNWATCH_MAX_EVENT_BODIES"),
    "graphql": (QUERY, Admission.of_graphql, "/graphql", "RUNWATCH_MAX_GRAPHQL_BODIES"),
}


class Held:
    """An application that answers nobody until it is let."""

    def __init__(self) -> None:
        self.began = 0
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.began += 1
        await self.may_end.wait()
        await echo(scope, receive, send)


def arriving_at(door: str, admission: Admission) -> Arriving:
    return Arriving(10, 30, events=admission) if door == "events" else Arriving(10, 30, graphql=admission)


async def answer_on(reader: asyncio.StreamReader) -> tuple[int, str]:
    """The next answer on a connection: its status and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    if b" 503 " in head:
        assert b"retry-after: 1\r\n" in head
    return int(head.split()[1]), (await reader.readexactly(size)).decode()


@pytest.mark.parametrize("door", DOORS)
async def test_bodies_beyond_the_bound_are_refused_by_their_heads(door: str) -> None:
    """Half of the places are one token's; what was refused goes on, on the same connection, when there is a place."""
    sent, of_door, path, setting = DOORS[door]
    held, admission = Held(), of_door(4)
    protocol = partial(HttpProtocol, arriving=arriving_at(door, admission))
    counted = numbers.REQUESTS.values.get((path, "503"), 0)
    refusals = numbers.RATE_REFUSALS.values.get((setting,), 0)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving(Admitted(held), protocol))

        async def post(token: bytes, request: bytes = sent) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(request % token)
            return reader, writer

        first = [await post(b"one") for _ in range(2)]
        await until(lambda: held.began == 2, "both")
        reader, writer = await post(b"one")
        status, body = await answer_on(reader)
        said = json.loads(body)["errors"][0]["extensions"]
        assert (status, said["code"], said["limit"], said["value"]) == (503, "RATE_LIMITED", setting, 4)
        others = [await post(token) for token in (b"two", b"three")]
        await until(lambda: held.began == 4, "those of others")
        assert (await answer_on((await post(b"four"))[0]))[0] == 503
        # Whoever declares a body and waits for leave to send it is told at once, and hung up on.
        asks = sent.replace(b"\r\n\r\nabc", b"\r\nexpect: 100-continue\r\n\r\n")
        asking, _ = await post(b"five", asks)
        assert (await answer_on(asking))[0] == 503
        assert await asking.read() == b""
        first[0][1].transport.abort()  # its work goes on, and keeps its place
        writer.write(sent % b"one")
        assert (await answer_on(reader))[0] == 503
        held.may_end.set()
        for waiting, _ in (first[1], *others):
            assert await answer_on(waiting) == (200, "3")
        writer.write(sent % b"one")
        assert await answer_on(reader) == (200, "3")
        await until(lambda: not admission.in_work, "the end of the one whose client had gone")
    # No application hears of them, so they are counted here.
    assert numbers.REQUESTS.values[path, "503"] - counted == 4
    assert numbers.RATE_REFUSALS.values[setting,] - refusals == 4


async def test_other_requests_need_no_place() -> None:
    events, graphql, held = Admission.of_events(2), Admission.of_graphql(2), Held()
    protocol = partial(HttpProtocol, arriving=Arriving(10, 30, events=events, graphql=graphql))
    async with serving(Admitted(held), protocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for target in (b"GET /graphql", b"POST /session"):
            writer.write(target + b" HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        await until(lambda: held.began == 1, "the first")
        assert events.in_work == graphql.in_work == 0
        held.may_end.set()
        assert [(await answer_on(reader))[0] for _ in range(2)] == [200, 200]
        writer.close()


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        b"POST /graphql".ljust(5 + MAX_HEAD_BYTES, b"?") + b" HTTP/1.1\r\n\r\n",  # more than the parser takes, by one
    ],
    ids=["a WebSocket", "not a target"],
)
async def test_request_that_no_application_sees_gives_its_place_back(request_: bytes) -> None:
    """It kept it until the server ended: who sent as many as there are places kept everybody out."""
    graphql, held = Admission.of_graphql(4), Held()
    protocol = partial(HttpProtocol, arriving=Arriving(10, 30, graphql=graphql))
    async with serving(Admitted(held), protocol) as port:
        assert (await send(port, request_))[0] in (400, 405, 431)
        assert (graphql.in_work, held.began) == (0, 0)


async def test_bodies_count_by_what_they_declare_and_who_waits_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    half = str(MAX_BYTES // 4).encode()
    places = Admission.of_events(1_000)
    large = [places.enter([(b"authorization", b"one"), (b"content-length", half)]) for _ in range(3)]
    assert [ticket is not None for ticket in large] == [True, True, False]
    assert places.enter([(b"authorization", b"two")])
    few = Admission.of_events(1_000)
    tickets = [few.enter([(b"authorization", b"one")]) for _ in range(16)]
    assert tickets[0] is not None
    tickets[0].is_whole()
    assert few.enter([(b"authorization", b"one")])
    monkeypatch.setattr(admission_module, "WAIT_SECONDS", 0.0)
    assert few.enter([(b"authorization", b"one")]) is None
    # Two share them; whoever has none in work gets one in.
    others = [few.enter([(b"authorization", b"two")]) for _ in range(8)]
    assert others[0] is not None
    others[0].is_whole()
    assert few.enter([(b"authorization", b"two")]) is None
    assert few.enter([(b"authorization", b"three")])
    patient = Admission.of_graphql(1_000)
    for _ in range(20):  # a slow operation keeps none of its own out
        ticket = patient.enter([(b"authorization", b"one")])
        assert ticket is not None
        ticket.is_whole()
