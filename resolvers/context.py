"""What every resolver receives: the viewer, and where to read."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.alerts.channels import Channels
from app.auth import Permission, Viewer
from app.db import Database
from app.errors import Unauthenticated
from app.executions.facets import Facets
from app.live.log_notifications import LogNotifications
from app.live.updates import Watchable
from app.retries import Retries
from app.secrets.sealing import Sealer
from resolvers.about import About
from resolvers.budget import Budget
from resolvers.loaders import Loaders


@dataclass(slots=True, kw_only=True)
class Context:
    """One operation's context. Without defaults: what a process has one of must not be made for an operation."""

    about: About
    database: Database
    facets: Facets
    signed_in: Viewer | None
    sealer: Sealer
    log_notifications: LogNotifications
    retries: Retries
    feed: Watchable
    alert_channels: Channels
    compiled: bool  # whether plans may answer, or graphql-core is to execute everything
    budget: Budget = field(default_factory=Budget, init=False)
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.database)

    def forget(self) -> None:
        """Read anew from now on: the loaders remember an earlier time."""
        self.loaders = Loaders(self.database)
        self.budget = Budget()

    @property
    def viewer(self) -> Viewer:
        """The viewer; Unauthenticated if nobody has signed in."""
        if self.signed_in is None:
            raise Unauthenticated("Sign in with a bearer token")
        return self.signed_in

    def require(self, permission: Permission) -> None:
        """Raises Unauthenticated or Forbidden unless the viewer has the permission."""
        self.viewer.require(permission)
