"""The second line of defence: whatever way a document comes to be executed, it is not executed anonymously.

The first line is the gate in front of the door (app/http/gate.py), which also covers what never becomes a document.
"""

from __future__ import annotations

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension

from app.errors import Unauthenticated


class SignInRequired(SchemaExtension):
    """Refuses every operation whose context has nobody signed in, before its document is parsed."""

    def on_operation(self) -> Iterator[None]:
        """Around the whole operation, parsing and validation included: those would tell the schema."""
        if getattr(self.execution_context.context, "signed_in", None) is None:
            raise Unauthenticated("Sign in with a bearer token")
        yield
