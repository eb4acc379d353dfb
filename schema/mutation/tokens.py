"""What changes tokens."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import tokens as token_resolvers
from schema.context import Info
from schema.scalars import verb_id
from schema.token import CreateTokenPayload, RevokeTokenPayload, Token, TokenInput

NewToken = Annotated[TokenInput, strawberry.argument(description="The token to create.")]
TokenId = Annotated[strawberry.ID, strawberry.argument(description="The token.")]


@strawberry.field(
    description=(
        "Creates an API token, and shows its secret, once. BAD_USER_INPUT for an invalid name, engine or time;"
        " FORBIDDEN for a role that may do more than you; CONFLICT for an idempotency key of another token,"
        " or of one that was revoked or has expired. ADMIN only, and audited."
    )
)
async def create_token(info: Info, input: NewToken) -> CreateTokenPayload:
    """Audited."""
    secret, token = await token_resolvers.create_token(info.context, input.new_token())
    return CreateTokenPayload(token=Token.of(token), secret=secret)


@strawberry.field(
    description=(
        "Revokes an API token at once and for good, with the sessions behind which it stands. Revoking it again"
        " changes nothing. NOT_FOUND for an unknown id. ADMIN only, and audited."
    )
)
async def revoke_token(info: Info, id: TokenId) -> RevokeTokenPayload:
    """Audited."""
    return RevokeTokenPayload(
        token=Token.of(await token_resolvers.revoke_token(info.context, partial(verb_id, "id", "token", id)))
    )
