"""The second line of defence: no document is executed anonymously, however it gets here.

The first line is the gate in front of the door (app/http/gate.py), which also covers requests that never become a
document.
"""

from __future__ import annotations

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension

from app.errors import Unauthenticated


class SignInRequired(SchemaExtension):
    """Refuses every operation whose context has nobody signed in, before its document is parsed."""

    def on_operation(self) -> Iterator[None]:
        """Around the whole operation, including parsing and validation, which would reveal the schema."""
        if getattr(self.execution_context.context, "signed_in", None) is None:
            raise Unauthenticated("Sign in with a bearer token")
        yield
