"""API tokens, as administrators create and revoke them."""

from __future__ import annotations

import strawberry

from app import ids
from app.auth import tokens
from resolvers.tokens import NewToken
from schema.node import Node
from schema.scalars import DateTime
from schema.viewer import Role


@strawberry.type(description="An API token. Runwatch keeps only the hash of its secret. ADMIN only.")
class Token(Node):
    """What is kept of a token."""

    prefix: str = strawberry.field(description="Public first part of the secret, 11 characters, for lists and logs.")
    name: str = strawberry.field(description="Name, which Viewer.name and the audit log show.")
    role: Role = strawberry.field(description="What its holder may do.")
    engine: str | None = strawberry.field(description="Engine that a RUNNER reports for. Null for other roles.")
    created_at: DateTime = strawberry.field(description="When it was created.")
    expires_at: DateTime | None = strawberry.field(description="When it ends by itself. Null if it does not.")
    last_used_at: DateTime | None = strawberry.field(
        description="When it was last used, a minute late at most. Null if it never was."
    )
    revoked_at: DateTime | None = strawberry.field(description="When it was revoked. Null if it was not.")

    @classmethod
    def of(cls, token: tokens.Token) -> Token:
        """From app's token."""
        return cls(
            id=strawberry.ID(ids.to_global("token", token.id)),
            prefix=token.prefix,
            name=token.name,
            role=token.role,
            engine=token.engine,
            created_at=DateTime(token.created_at),
            expires_at=_time(token.expires_at),
            last_used_at=_time(token.last_used_at),
            revoked_at=_time(token.revoked_at),
        )


@strawberry.input(description="The token to create.")
class TokenInput:
    """A token as it is to be."""

    name: str = strawberry.field(description="Name of 1 to 100 characters. Names need not differ.")
    role: Role = strawberry.field(description="What its holder may do; nothing that you may not.")
    engine: str | None = strawberry.field(
        default=None,
        description=(
            "Name of the engine that it reports for, 1 to 100 characters; created if missing. Required for RUNNER,"
            " BAD_USER_INPUT for other roles."
        ),
    )
    expires_at: DateTime | None = strawberry.field(
        default=None, description="When it ends by itself, within 36,525 days. Null: when it is revoked."
    )

    idempotency_key: str | None = strawberry.field(
        default=None,
        description=(
            "Random text of your own, such as a UUID, 1 to 200 characters: asking again with it gives the same token"
            " and secret, and changes nothing; CONFLICT for another name, role or engine. Null: each time another."
        ),
    )

    def new_token(self) -> NewToken:
        """As the resolver's value."""
        return NewToken(self.name, self.role, self.engine, self.expires_at, self.idempotency_key)


@strawberry.type(description="A token that was created.")
class CreateTokenPayload:
    """A token and its secret."""

    token: Token = strawberry.field(description="The token.")
    secret: str = strawberry.field(
        description="The secret, for the header Authorization. Nobody gets it again, but who asks with the same key."
    )


@strawberry.type(description="A token that was revoked.")
class RevokeTokenPayload:
    """A token that was revoked."""

    token: Token = strawberry.field(description="The token.")


def _time(us: int | None) -> DateTime | None:
    return None if us is None else DateTime(us)
