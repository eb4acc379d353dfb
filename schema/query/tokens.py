"""Reads of tokens."""

from __future__ import annotations

import strawberry

from resolvers import tokens as token_resolvers
from schema.context import Info
from schema.token import Token


@strawberry.field(description="All API tokens, newest first, expired and revoked ones too. ADMIN only.")
async def tokens(info: Info) -> list[Token] | None:
    """Tokens are few."""
    return [Token.of(token) for token in await token_resolvers.list_tokens(info.context)]
