"""Who asks."""

from __future__ import annotations

import strawberry

from app import auth
from app.auth import Role

strawberry.enum(
    Role,
    name="Role",
    description="What a viewer may do. VIEWER reads all but the audit log, ADMIN does all, RUNNER reports events.",
)


@strawberry.type(description="Who asks.")
class Viewer:
    """Who asks."""

    name: str = strawberry.field(description="Name of the token, or the subject of the JSON Web Token.")
    role: Role = strawberry.field(description="What the viewer may do.")

    @classmethod
    def of(cls, viewer: auth.Viewer) -> Viewer:
        """From app's viewer."""
        return cls(name=viewer.name, role=viewer.role)
