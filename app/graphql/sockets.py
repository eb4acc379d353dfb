"""GraphQL over WebSockets: all sockets of a process. app/graphql/socket.py is one of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Generic

from starlette.types import Receive, Scope, Send

from app.asgi.arrivals import Arrivals
from app.graphql.messages import SUBPROTOCOL, Close, Closing, Operation
from app.graphql.operations import Operations
from app.graphql.running import Running
from app.graphql.signed_in import ViewerT
from app.graphql.socket import Limits, Socket, close

__all__ = ["GraphQLSockets", "Limits"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")


class GraphQLSockets(Generic[ViewerT]):
    """ASGI: serves graphql-transport-ws. `sign_in` gets the scope and the payload of connection_init.

    `ended` returns those of some viewers whose sign-in has ended. It is asked before each operation, and by `sweep`.
    `resolve` gives an operation that came by hash its text, without which its characters could not be counted.
    """

    def __init__(
        self,
        operations: Operations[Any],
        make_context: Callable[[ViewerT], Any],
        sign_in: Callable[[Scope, dict[str, Any]], Awaitable[ViewerT]],
        limits: Limits | None = None,
        *,
        ended: Callable[[Collection[ViewerT]], Awaitable[Collection[ViewerT]]],
        resolve: Callable[[Operation], Operation] = lambda operation: operation,
    ) -> None:
        self.operations = operations
        self.make_context = make_context
        self.sign_in = sign_in
        self.limits = limits = limits or Limits()
        self.ended = ended
        self.resolve = resolve
        self.open: set[Socket[ViewerT]] = set()
        self._signed_in: Counter[str] = Counter()  # by credential
        self.arrivals = Arrivals()
        self.running = Running(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One socket."""
        await receive()  # websocket.connect
        offered = scope.get("subprotocols", [])
        if SUBPROTOCOL in offered:
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            await Socket(self, scope, receive, send).run()
            return
        # Clients see how a socket ends only if the server accepted one of their subprotocols.
        taken = next((name for name in offered if _TOKEN.fullmatch(name)), None)
        await send({"type": "websocket.accept", "subprotocol": taken})
        await close(scope, send, Closing(Close.SUBPROTOCOL, f"The subprotocol is {SUBPROTOCOL}"))

    def enter(self, viewer: ViewerT) -> bool:
        """Count one more socket that has signed in; False if its credential has too many."""
        if self._signed_in[viewer.credential] >= self.limits.sockets_of_viewer:
            return False
        self._signed_in[viewer.credential] += 1
        return True

    def leave(self, viewer: ViewerT) -> None:
        """Count one less."""
        self._signed_in[viewer.credential] -= 1
        if not self._signed_in[viewer.credential]:
            del self._signed_in[viewer.credential]

    async def sweep(self) -> None:
        """Close the sockets whose sign-in has ended: their operations end too, and leave groups that share results."""
        viewers = [socket.viewer for socket in self.open if socket.viewer is not None]
        if not viewers:
            return
        ended = {id(viewer) for viewer in await self.ended(viewers)}
        for socket in [socket for socket in self.open if id(socket.viewer) in ended]:
            socket.expire()
