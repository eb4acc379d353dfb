"""What every resolver gets: who asks, and where to look."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.auth import Permission, Viewer
from app.db import Database
from app.errors import Unauthenticated
from app.log_signals import LogSignals
from app.sealing import Sealer
from resolvers.loaders import Loaders


@dataclass(slots=True)
class Context:
    """One operation's context."""

    database: Database
    signed_in: Viewer | None
    sealer: Sealer
    log_signals: LogSignals = field(default_factory=LogSignals)  # one a process; one of its own hears nothing
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.database)

    @property
    def viewer(self) -> Viewer:
        """Who asks; Unauthenticated when nobody has signed in."""
        if self.signed_in is None:
            raise Unauthenticated("Sign in with a bearer token")
        return self.signed_in

    def require(self, permission: Permission) -> None:
        """Unauthenticated or Forbidden unless the viewer has the permission."""
        self.viewer.require(permission)
