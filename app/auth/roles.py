"""Who may do what: the roles, what each of them may do, and the viewer who has one. Import them from app.auth."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.errors import Forbidden


class Role(StrEnum):
    """What somebody is to Runwatch, as a token or an issuer says it."""

    ADMIN = "ADMIN"
    VIEWER = "VIEWER"
    RUNNER = "RUNNER"


class Permission(StrEnum):
    """What a role may or may not do; each door asks for one of these."""

    READ = "READ"  # everything that shows runs; not the audit log
    REPORT = "REPORT"  # events of executions
    RETRY = "RETRY"
    MANAGE_ALERTS = "MANAGE_ALERTS"
    READ_AUDIT = "READ_AUDIT"
    REVEAL = "REVEAL"  # sealed trigger data


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.VIEWER: frozenset({Permission.READ}),
    Role.RUNNER: frozenset({Permission.REPORT}),
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who is signed in.

    `engine` is the name of the engine that a RUNNER speaks for; None for everybody else, who may speak for any engine
    they have the permission for. `expires_at` (µs since the epoch) is when the sign-in ends by itself; None: never.
    `credential` tells apart what people sign in with, tokens of one name as well.
    """

    name: str
    role: Role
    engine: str | None = None
    expires_at: int | None = None
    credential: str = field(default="", compare=False)

    def may(self, permission: Permission) -> bool:
        """Whether the viewer's role has the permission."""
        return permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Go on when the viewer may; raise Forbidden otherwise."""
        if not self.may(permission):
            raise Forbidden(f"Needs the permission {permission}, which the role {self.role} lacks")
