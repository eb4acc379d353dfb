"""Sessions of browsers, as people end them."""

from __future__ import annotations

from enum import Enum

import strawberry

from app import ids
from app.auth import Viewer, sessions
from app.auth.open_sessions import Ending
from schema.node import ID
from schema.scalars import DateTime, is_given, verb_id
from schema.viewer import Role


@strawberry.enum(description="How a session began.")
class SignInMethod(Enum):
    """Ways to sign in with a browser."""

    TOKEN = strawberry.enum_value(
        sessions.SignInMethod.TOKEN, description="Somebody entered an API token or a JSON Web Token."
    )
    LINK = strawberry.enum_value(sessions.SignInMethod.LINK, description="Somebody followed a sign-in link.")
    PROVIDER = strawberry.enum_value(
        sessions.SignInMethod.PROVIDER, description="An OpenID Connect provider signed somebody in."
    )


@strawberry.type(description="A browser that is signed in.")
class Session:
    """What is kept of a session."""

    id: strawberry.ID = strawberry.field(description=ID)
    name: str = strawberry.field(description="Whose it is, as Viewer.name and the audit log have it.")
    role: Role = strawberry.field(description="What its holder may do.")
    token_prefix: str | None = strawberry.field(
        description="Public first part of the API token behind it. Null if an issuer or a provider vouches for it."
    )
    issuer: str | None = strawberry.field(description="Issuer or provider that vouches for it. Null behind a token.")
    method: SignInMethod | None = strawberry.field(
        description="How it began. Null if it began before Runwatch kept that, as are address and userAgent."
    )
    started_at: DateTime = strawberry.field(description="When it began.")
    last_seen_at: DateTime | None = strawberry.field(description="When it was last used, two minutes late at most.")
    expires_at: DateTime = strawberry.field(description="When it ends by itself, unless it is renewed.")
    address: str | None = strawberry.field(description="Address that it began from. Null where it is unknown.")
    user_agent: str | None = strawberry.field(
        description="User-Agent of the browser when it began, at most 300 characters. Null where it is unknown."
    )
    is_present: bool = strawberry.field(description="Whether it is the one that asks.")

    @classmethod
    def of(cls, session: sessions.Session, asking: Viewer) -> Session:
        """From app's session."""
        viewer, browser = session.viewer, session.browser
        seen_at = session.last_seen_at
        return cls(
            id=strawberry.ID(ids.to_global("session", session.id_sha256)),
            name=viewer.name,
            role=viewer.role,
            token_prefix=viewer.prefix or None,
            issuer=None if viewer.key is None else viewer.key.issuer,
            method=None if session.method is None else SignInMethod(session.method),
            started_at=DateTime(session.started_at),
            last_seen_at=None if seen_at is None else DateTime(seen_at),
            expires_at=DateTime(viewer.expires_at or session.ends_at),
            address=browser.address or None,
            user_agent=browser.user_agent or None,
            is_present=session.id_sha256 == asking.session,
        )


@strawberry.input(one_of=True, description="Which sessions to end.")
class EndSessionsInput:
    """One of these."""

    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="This one: one's own, or as ADMIN anybody's."
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="All of whoever has this name. ADMIN only: names need not differ."
    )
    others: bool | None = strawberry.field(
        default=strawberry.UNSET, description="True: all that one's own credential began, but the one that asks."
    )

    def ending(self) -> Ending:
        """As app's value; NotFound or BadInput for invalid values."""
        return Ending(
            id=verb_id("id", "session", self.id) if is_given(self.id) else None,
            name=self.name if is_given(self.name) else None,
            others=self.others if is_given(self.others) else None,
        )


@strawberry.type(description="Sessions that were ended.")
class EndSessionsPayload:
    """How many there were."""

    ended: int = strawberry.field(description="How many they were.")
