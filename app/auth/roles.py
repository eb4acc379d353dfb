"""Who may do what: the roles, their permissions, and the viewer who has a role. Import them from app.auth."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.errors import Forbidden


class Role(StrEnum):
    """What somebody is to Runwatch, as a token or an issuer says."""

    ADMIN = "ADMIN"
    VIEWER = "VIEWER"
    RUNNER = "RUNNER"


class Permission(StrEnum):
    """What a role may or may not do. Each door requires one of these."""

    READ = "READ"  # everything that shows runs, but not the audit log
    REPORT = "REPORT"  # events of executions
    RETRY = "RETRY"
    RESOLVE = "RESOLVE"  # failures, by hand
    MANAGE_ALERTS = "MANAGE_ALERTS"
    MANAGE_GROUPS = "MANAGE_GROUPS"  # error groups
    READ_AUDIT = "READ_AUDIT"
    REVEAL = "REVEAL"  # sealed trigger data
    MANAGE_TOKENS = "MANAGE_TOKENS"
    MANAGE_SESSIONS = "MANAGE_SESSIONS"  # of others: everybody may end their own
    MANAGE_ENGINES = "MANAGE_ENGINES"
    SHARE_VIEWS = "SHARE_VIEWS"  # saved views, with everybody


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.VIEWER: frozenset({Permission.READ}),
    Role.RUNNER: frozenset({Permission.REPORT}),
}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What a JSON Web Token was checked with. The sign-in ends when Runwatch does not accept it any more.

    `sha256` tells a key from another one with the same id.
    """

    issuer: str
    algorithm: str
    key_id: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Provided:
    """By what a provider knows somebody whom it signed in: `sub`, and the `sid` of its own session if it gave one."""

    subject: str
    session: str | None


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who is signed in.

    `engine` is the name of the engine that a RUNNER reports for; None for everybody else, who may report for any engine
    if they have the permission. `expires_at` (µs since the epoch) is when the sign-in ends by itself; None: never.
    `credential` identifies what somebody signed in with, and differs for tokens with the same name; `key` is what its
    issuer signed it with, None for our own tokens. `session` is the browser's session, None without one: it can end
    before its credential, and its `expires_at` can move. `prefix` is the public part of one of our tokens. By what is
    `provided`, a provider may end the sign-in.
    """

    name: str
    role: Role
    engine: str | None = None
    expires_at: int | None = None
    credential: str = field(default="", compare=False)
    key: SigningKey | None = field(default=None, compare=False)
    session: str | None = field(default=None, compare=False)
    prefix: str = field(default="", compare=False)
    provided: Provided | None = field(default=None, compare=False)

    @property
    def line(self) -> dict[str, str]:
        """Who it is, for a line of the log: nothing that signs anybody in."""
        who = self.prefix or self.credential if self.session is None else f"session {self.session[:8]}"
        return {"who": who, "role": self.role}

    def may(self, permission: Permission) -> bool:
        """Whether the viewer's role has the permission."""
        return permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Raises Forbidden if the viewer's role lacks the permission."""
        if not self.may(permission):
            raise Forbidden(f"Needs the permission {permission}, which the role {self.role} lacks")
