"""Sign-in: from the Authorization header of a request to the viewer who sent it, and what that viewer may do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from app import clock
from app.auth.attempts import Attempts
from app.auth.last_use import TOKENS, LastUse
from app.auth.roles import PERMISSIONS, Permission, Role, Viewer
from app.auth.sessions import Browser, Issuer, Sessions, Started, valid_tokens
from app.auth.shared_reads import SharedReads
from app.auth.tokens import MARK, check_token
from app.db import Database
from app.errors import Unauthenticated
from app.ids import is_id
from app.settings import Settings

if TYPE_CHECKING:
    from app.auth.jwt import JwtCheck
    from app.auth.provider import Provider

__all__ = ["PERMISSIONS", "Permission", "Role", "SignIn", "Viewer"]

MAX_HEADER_LENGTH = 8 * 1024
HOW = "Sign in with the header Authorization: Bearer <token>"

# RFC 6750's b64token, the form of our tokens and of JSON Web Tokens.
_BEARER = re.compile(r"[ \t]*bearer[ \t]+([A-Za-z0-9._~+/-]+=*)[ \t]*\Z", re.IGNORECASE)


class SignIn:
    """The one way in, for every door. BadInput if the settings' key does not fit their algorithms."""

    def __init__(self, database: Database, settings: Settings, attempts: Attempts | None = None) -> None:
        self._database = database
        self._attempts = attempts or Attempts()
        self._tokens = SharedReads(partial(check_token, database), rest=2)
        self._use = LastUse(database, TOKENS)
        self._jwt: JwtCheck | None = None
        if settings.jwt_algorithms:
            # Here and not above: PyJWT, httpx and cryptography take a quarter of a second of CPU to import.
            from app.auth.jwt import JwtCheck

            self._jwt = JwtCheck(settings)
        self.provider: Provider | None = None
        if settings.oidc_issuer:
            from app.auth.provider import Provider

            self.provider = Provider(settings)
        self.sessions = Sessions(database, self._accepting())

    async def viewer_of(self, authorization: str | None, address: str = "") -> Viewer:
        """Who sent this Authorization header (None: no header); Unauthenticated if nobody valid did.

        RateLimited if the address has failed too often, and failed now. Raises errors of the database, and Unavailable
        of an issuer, as they are: they say nothing of the token, and are nobody's failure.
        """
        if authorization is None:
            raise Unauthenticated(HOW)
        if len(authorization) > MAX_HEADER_LENGTH:
            raise Unauthenticated(f"Authorization header: longer than {MAX_HEADER_LENGTH} characters")
        given = _BEARER.match(authorization)
        if given is None:
            raise Unauthenticated(f"Authorization header: malformed. {HOW}")
        secret = given[1]
        return await self._attempts.check(secret, address, partial(self._viewer_of, secret))

    async def viewer_of_session(
        self, cookie: str, secret: str | None, address: str, *, renewed: bool = False
    ) -> Viewer:
        """See Sessions; RateLimited as above."""
        find = self.sessions.renew if renewed else self.sessions.viewer_of
        return await self._attempts.check(f"{cookie} {secret}", address, partial(find, cookie, secret))

    async def start_by_code(
        self, code: str, address: str, *, bound: bool, replaces: str | None, browser: Browser
    ) -> Started:
        """See Sessions; RateLimited as above."""
        start = partial(self.sessions.start_by_code, code, bound=bound, replaces=replaces, browser=browser)
        return await self._attempts.check(code, address, start)

    async def end_session(self, cookie: str, address: str) -> None:
        """Sign out, of whatever session there is; RateLimited as above."""
        with suppress(Unauthenticated):
            await self._attempts.check(cookie, address, partial(self.sessions.end, cookie))

    async def _viewer_of(self, secret: str) -> Viewer:
        if secret.startswith(MARK):
            token = await self._tokens.get(secret)
            self._use.note(token.id, token.last_used_at, clock.now_us())
            return Viewer(
                token.name, token.role, token.engine, token.expires_at, credential=token.id, prefix=token.prefix
            )
        if self._jwt is not None:
            claims = await self._jwt.claims_of(secret)
            credential = f"subject {claims.subject}"
            return Viewer(
                claims.subject, claims.role, expires_at=claims.expires_at, credential=credential, key=claims.key
            )
        raise Unauthenticated("Unknown token")

    async def ended(self, viewers: Iterable[Viewer]) -> list[Viewer]:
        """Those whose sign-in has ended. One read for all sessions and one for all tokens, whatever their number."""
        viewers = list(viewers)
        now = clock.now_us()
        sessions = {viewer.session for viewer in viewers if viewer.session is not None}
        tokens = {viewer.credential for viewer in viewers if viewer.session is None and is_id(viewer.credential)}
        living = await self.sessions.living(sessions) if sessions else set()
        valid = await valid_tokens(self._database, tokens) if tokens else set()

        def has_ended(viewer: Viewer) -> bool:
            if viewer.session is not None:
                return viewer.session not in living
            if viewer.expires_at is not None and viewer.expires_at <= now:
                return True
            if viewer.key is not None:
                return self._jwt is None or not self._jwt.verifier.still_accepts(viewer.key)
            return viewer.credential in tokens and viewer.credential not in valid

        return [viewer for viewer in viewers if has_ended(viewer)]

    async def close(self) -> None:
        """Stop background work. Call it before the database is closed."""
        await self._use.close()
        await self.sessions.close()
        if self._jwt is not None:
            await self._jwt.close()
        if self.provider is not None:
            await self.provider.close()

    def _accepting(self) -> list[Issuer]:
        """Whoever may have signed what stands behind a session."""
        issuers: list[Issuer] = [] if self._jwt is None else [self._jwt.verifier]
        return issuers if self.provider is None else [*issuers, self.provider]
