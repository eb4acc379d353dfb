"""Tokens: administrators create and revoke them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app import clock
from app.auth import Permission, Role, tokens
from app.auth.tokens import Token
from app.errors import BadInput
from app.idempotency import check_key
from resolvers.arguments import Argument
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class NewToken:
    """The token to create; `expires_at` in µs since the epoch."""

    name: str
    role: Role
    engine: str | None
    expires_at: int | None
    key: str | None = None


async def list_tokens(context: Context) -> list[Token]:
    """All tokens, newest first."""
    context.require(Permission.MANAGE_TOKENS)
    return await tokens.list_tokens(context.database)


async def create_token(context: Context, given: NewToken) -> tuple[str, Token]:
    """A new token, or the one that the same key of the same viewer has made: its secret, and what is kept of it."""
    context.require(Permission.MANAGE_TOKENS)
    check_key(given.key)
    lifetime = None
    if given.expires_at is not None:
        left = given.expires_at - clock.now_us()
        if not 0 < left <= tokens.MAX_LIFETIME // timedelta(microseconds=1):
            raise BadInput(f"expiresAt: must be in the future, and within {tokens.MAX_LIFETIME.days} days")
        lifetime = timedelta(microseconds=left)
    viewer = context.viewer
    seeds = [] if given.key is None else context.sealer.derived("token", viewer.credential, given.key)
    return await tokens.create_token(
        context.database, given.name, given.role, given.engine, lifetime, creator=viewer, seeds=seeds
    )


async def revoke_token(context: Context, id_: Argument[str]) -> Token:
    """Revoke a token, at once and for good."""
    context.require(Permission.MANAGE_TOKENS)
    return await tokens.revoke_token_by_id(context.database, id_(), context.viewer)
