"""The signed-in viewer."""

from __future__ import annotations

import strawberry

from app import auth
from app.auth import Role
from schema.scalars import DateTime

# Role too: a type that uses it before this module has named it gets another enum of Strawberry's own.
__all__ = ["Role", "Viewer"]

strawberry.enum(
    Role,
    name="Role",
    description=(
        "What a viewer may do. VIEWER reads everything except the audit log. ADMIN does everything."
        " RUNNER reports the events of one engine."
    ),
)


@strawberry.type(description="The signed-in viewer.")
class Viewer:
    """The signed-in viewer."""

    name: str = strawberry.field(description="Name of the API token, or `sub` of the JSON Web Token.")
    role: Role = strawberry.field(description="Role of the viewer.")
    expires_at: DateTime | None = strawberry.field(description="When the sign-in ends by itself. Null if it does not.")

    @classmethod
    def of(cls, viewer: auth.Viewer) -> Viewer:
        """From app's viewer."""
        return cls(
            name=viewer.name,
            role=viewer.role,
            expires_at=None if viewer.expires_at is None else DateTime(viewer.expires_at),
        )
