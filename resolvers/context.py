"""What every resolver receives: the viewer, and where to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from app.alerts.channels import Channels
from app.alerts.testing import Tellers
from app.auth import Permission, Viewer
from app.auth.sessions import Sessions
from app.changes.commits import Announcements
from app.db import Database
from app.db.refusing import refusing
from app.db.shares import share_of
from app.errors import BadInput, TimedOut, Unauthenticated
from app.executions.facets import Facets
from app.graphql.bounds import Bounds, Spending
from app.live.log_notifications import LogNotifications
from app.live.updates import Watchable
from app.metrics.following import MetricsFeed
from app.rates import Client
from app.retries import Retries
from app.retries.connecting import Connecting
from app.retries.disconnecting import Disconnecting
from app.secrets.sealing import Sealer
from app.turns import Turns
from resolvers.about import About
from resolvers.budget import Budget
from resolvers.loaders import Loaders

T = TypeVar("T")


class Sharing(Protocol):
    """Reads, or waits for what somebody with an equal key reads."""

    async def __call__(self, key: Hashable, read: Callable[[], Awaitable[T]], /) -> T: ...


async def _alone(key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
    return await read()


@dataclass(slots=True, kw_only=True)
class Context:
    """One operation's context. Without defaults: what a process has one of must not be made for an operation."""

    about: About
    database: Database
    facets: Facets
    signed_in: Viewer | None
    sessions: Sessions
    sealer: Sealer
    log_notifications: LogNotifications
    retries: Retries
    connecting: Connecting
    disconnecting: Disconnecting
    announcements: Announcements
    feed: Watchable
    metrics_feed: MetricsFeed
    alert_channels: Channels
    tellers: Tellers
    compiled: bool  # whether plans may answer, or graphql-core is to execute everything
    bounds: Bounds
    turns: Turns
    client: Client  # who pays for it
    shares: Sharing = field(default=_alone, init=False)  # what several who follow the same read once
    budget: Budget = field(default_factory=Budget, init=False)
    _spending: Spending | None = field(default=None, init=False)
    _loaders: Loaders | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.database = share_of(self.database)

    @property
    def loaders(self) -> Loaders:
        """Made when a field asks for them: many operations need none."""
        if self._loaders is None:
            self._loaders = Loaders(self.database)
        return self._loaders

    @property
    def spending(self) -> Spending:
        """What the operation has cost so far, beside its budget of rows."""
        if self._spending is None:
            credential = self.signed_in.credential if self.signed_in else ""
            self._spending = Spending(self.bounds, self.turns, credential, self.client)
        return self._spending

    def forget(self) -> None:
        """Read anew from now on, as another operation: the loaders remember an earlier time."""
        self._loaders = None
        self.budget = Budget()
        self._spending = None

    def mark(self) -> tuple[Budget, int, int]:
        """What the operation has asked for so far."""
        spending = self.spending
        return self.budget.copy(), spending.counted, spending.written

    def go_back(self, mark: tuple[Budget, int, int], failure: Exception) -> None:
        """Read anew what was read since a mark. A read that took too long is not tried again."""
        self._loaders = None
        self.budget, self.spending.counted, self.spending.written = mark
        if isinstance(failure, TimedOut):
            self.database = refusing(self.database, failure)

    @property
    def viewer(self) -> Viewer:
        """The viewer; Unauthenticated if nobody has signed in."""
        if self.signed_in is None:
            raise Unauthenticated("Sign in with a bearer token")
        return self.signed_in

    @property
    def may_register_documents(self) -> bool:
        """Whether documents of the viewer are kept for those who send their hash."""
        return self.signed_in is not None and self.signed_in.may(Permission.READ)

    def require_introspection(self) -> None:
        """Raises unless the viewer may ask for the schema: Forbidden, or BadInput if the server does not tell it."""
        self.require(Permission.READ)
        if not self.bounds.introspection:
            raise BadInput("Introspection is off on this server (RUNWATCH_GRAPHQL_INTROSPECTION)")

    def require(self, permission: Permission) -> None:
        """Raises Unauthenticated or Forbidden unless the viewer has the permission."""
        self.viewer.require(permission)
