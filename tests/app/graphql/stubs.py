"""Sockets with stub operations, named by what they do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import Scope

from app.errors import BadInput, PersistedQueryNotFound, Unavailable
from app.graphql.messages import Operation
from app.graphql.operations import OperationFailed, Pushed, Result, Sink
from app.graphql.payload import Payload
from app.graphql.sockets import GraphQLSockets, Limits
from tests.app.graphql.sockets import serving


@dataclass
class Somebody:
    expires_at: int | None = None
    credential: str = "somebody"
    session: str | None = None

    @property
    def line(self) -> dict[str, str]:
        return {"who": self.credential}


class Plain:
    """An iterator that cannot be closed."""

    def __init__(self) -> None:
        self._left = [b'{"data":1}', b'{"data":2}']

    def __aiter__(self) -> AsyncIterator[Result]:
        return self

    async def __anext__(self) -> Result:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop(0)


class Pushing:
    """Results that come by themselves, as fast as they are taken."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    async def push(self, sink: Sink) -> None:
        payload = Payload(b'"%b"' % (b"x" * 2_000))
        with self._stub.opened():
            while True:
                await sink.room()
                sink.send(payload)
                await asyncio.sleep(0)


class Stub:
    """Operations named by what they do."""

    def __init__(self) -> None:
        self.contexts: list[object] = []
        self.by_hash: dict[object, str] = {}
        self.open = 0
        self.closed = asyncio.Event()
        self.stuck = asyncio.Event()
        self.asked = 0  # how often who has ended
        self.ended: set[str] = set()  # the credentials that have
        self.ended_error: Exception | None = None
        self.sweep: Callable[[], Awaitable[object]] = asyncio.Event().wait

    def resolve(self, operation: Operation) -> Operation:
        """An operation whose `extensions` name its text, with it."""
        hash_ = (operation.extensions or {}).get("hash")
        if hash_ is None:
            return operation
        if hash_ not in self.by_hash:
            raise PersistedQueryNotFound
        return replace(operation, query=self.by_hash[hash_])

    async def start(self, context: object, operation: Operation) -> AsyncIterator[Result] | Pushed:
        self.contexts.append(context)
        match operation.query:
            case "refused":
                raise BadInput("no")
            case "failed":
                raise OperationFailed([{"message": "no", "extensions": {"code": "CONFLICT"}}])
            case "bug":
                raise RuntimeError("the password is hunter2")
            case "plain":
                return Plain()
            case "away":
                raise Unavailable("no database")
            case "pushes":
                return Pushing(self)
        results: AsyncGenerator[Result, None] = getattr(self, operation.query)()
        return results

    @contextlib.contextmanager
    def opened(self) -> Any:
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1
            self.closed.set()

    async def one(self) -> AsyncGenerator[Result, None]:
        yield {"data": {"n": 1}}

    async def none(self) -> AsyncGenerator[Result, None]:
        nothing: list[Result] = []
        for result in nothing:
            yield result

    async def waits(self) -> AsyncGenerator[Result, None]:
        with self.opened():
            await asyncio.Event().wait()
            yield {}

    async def sticks(self) -> AsyncGenerator[Result, None]:
        """Takes its time to end."""
        with self.opened():
            try:
                await asyncio.Event().wait()
                yield {}
            finally:
                await self.stuck.wait()

    async def ends_badly(self) -> AsyncGenerator[Result, None]:
        with self.opened():
            try:
                await asyncio.Event().wait()
                yield {}
            finally:
                raise RuntimeError("the password is hunter2")

    async def floods(self) -> AsyncGenerator[Result, None]:
        with self.opened():
            while True:
                yield b'"' + b"x" * 10_000 + b'"'

    async def breaks(self) -> AsyncGenerator[Result, None]:
        yield {"data": {"n": 1}}
        raise RuntimeError("the password is hunter2")

    async def unserialisable(self) -> AsyncGenerator[Result, None]:
        yield {"data": object()}


@asynccontextmanager
async def sockets_of(stub: Stub, limits: Limits | None = None, **more: Any) -> AsyncIterator[str]:
    async def sign_in(scope: Scope, payload: dict[str, Any]) -> Somebody:
        return Somebody(payload.get("expires_at"), payload.get("name", "somebody"), payload.get("session"))

    async def ended(viewers: Collection[Somebody]) -> list[Somebody]:
        stub.asked += 1
        if stub.ended_error is not None:
            raise stub.ended_error
        return [viewer for viewer in viewers if viewer.credential in stub.ended]

    app: Any = GraphQLSockets(stub, lambda _: object(), sign_in, limits or Limits(), ended=ended, resolve=stub.resolve)
    stub.sweep = app.sweep
    async with serving(Starlette(routes=[WebSocketRoute("/graphql", app)]), **more) as url:
        yield url
