"""Sign-in by an OpenID Connect provider: the authorization code flow with PKCE, whose result is a viewer.

What the provider says of itself is read once, when somebody first needs it (OpenID Connect Discovery). Of its answer to
the code, the ID token is checked as any JSON Web Token (app/auth/jwt.py), and none is kept.
docs/adr/0039 has the reasons.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from authlib.oauth2.client import OAuth2Client

from app import clock
from app.auth.credentials import storable
from app.auth.jwks import PublishedKeys
from app.auth.jwt import MAX_SUBJECT_LENGTH, JwtVerifier, checked_subject, texts_at
from app.auth.provider_logout import Logout, logout_of
from app.auth.roles import Provided, Role, SigningKey, Viewer
from app.auth.sessions import LIFETIME
from app.errors import Unauthenticated, Unavailable
from app.log import get_logger
from app.settings import Settings
from app.texts import is_blank

log = get_logger(__name__)
T = TypeVar("T")

# Of OpenID Connect's algorithms, those whose keys are public; RS256 is the one that every provider has.
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
TIMEOUT_SECONDS = 5.0
MAX_BYTES = 256 * 1024
# Between two attempts to read what a provider says of itself, if the first failed.
PAUSE_SECONDS = 5.0
_AWAY = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)  # ValueError: what is no JSON, or not the expected one


class NoRole(Unauthenticated):
    """The provider knows who it is, and gives no role of ours."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to the provider and back: what its browser keeps, and its address at the provider.

    Each of the three is random. `state` ties the way back to the browser, `nonce` the ID token to this attempt, and
    `verifier` (PKCE) the code to who asked for it.
    """

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        """Another one."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


class _Endpoints(msgspec.Struct):
    """What we need of OpenID Provider Metadata."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    endpoints: _Endpoints
    verifier: JwtVerifier


class Provider:
    """The provider of the settings. Used from one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        secret = settings.oidc_client_secret
        self._secret = None if secret is None else secret.get_secret_value()
        self._scopes = settings.oidc_scopes
        self._name_claim = settings.oidc_name_claim
        self._role_claim = settings.oidc_role_claim
        self._roles = (
            (Role.ADMIN, {each.upper() for each in settings.oidc_admins}),
            (Role.VIEWER, {each.upper() for each in settings.oidc_viewers}),
        )
        self._back = f"{settings.public_url}/session/oidc/callback"
        self._tls = httpx.create_ssl_context()
        self._finding = asyncio.Lock()
        self._known: _Known | None = None
        self._failed_at = -PAUSE_SECONDS
        self.label = settings.oidc_label or urlsplit(self._issuer).hostname or self._issuer

    async def address(self, attempt: Attempt) -> str:
        """Where to send a browser for an attempt. Unavailable while the provider cannot be reached."""
        known = await self._find()
        url, _ = self._client(known.endpoints).create_authorization_url(
            known.endpoints.authorization_endpoint,
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
        )
        return str(url)

    async def viewer_of(self, attempt: Attempt, code: str, issuer: str | None) -> Viewer:
        """Whom the provider signed in. `issuer` is what came back with the code (RFC 9207).

        Unauthenticated if any of it is not right, NoRole if the claim of the role names none; Unavailable as above.
        """
        known = await self._find()
        endpoints = known.endpoints
        if issuer != self._issuer and (issuer is not None or endpoints.authorization_response_iss_parameter_supported):
            raise Unauthenticated("The code is another issuer's")
        token = await self._redeem(endpoints, code, attempt.verifier)
        claims, key = await known.verifier.verified(token.get("id_token") or "")
        if not secrets.compare_digest(str(claims.get("nonce")).encode("utf-8", "replace"), attempt.nonce.encode()):
            raise Unauthenticated("The ID token's nonce is not that of this sign-in")
        if claims.get("azp", self._client_id) != self._client_id:
            raise Unauthenticated("The ID token was issued to another client")
        known_as, session = (storable(claims.get(name), MAX_SUBJECT_LENGTH) for name in ("sub", "sid"))
        if endpoints.userinfo_endpoint and not texts_at(claims, self._role_claim):
            claims = {**await self._userinfo(endpoints.userinfo_endpoint, token, claims["sub"]), **claims}
        name = claims.get(self._name_claim)
        subject = checked_subject(name if isinstance(name, str) and not is_blank(name) else claims["sub"])
        return Viewer(
            subject,
            self._role(claims),
            expires_at=clock.now_us() + LIFETIME,  # then the provider is asked again
            credential=f"subject {subject}",
            key=key,
            provided=None if known_as is None else Provided(known_as, session),
        )

    async def logout_of(self, token: str) -> Logout:
        """Whom the provider has signed out. Unauthenticated if the logout token is not right; Unavailable as above."""
        return await logout_of((await self._find()).verifier, token)

    def sign_out_address(self, back: str) -> str | None:
        """Where a browser ends its session at the provider; None if the provider has, or told, no such place."""
        endpoint = self._known and self._known.endpoints.end_session_endpoint
        if not endpoint:
            return None
        asked = urlencode({"client_id": self._client_id, "post_logout_redirect_uri": back})
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{asked}"

    async def accepts(self, key: SigningKey) -> bool:
        """See Issuer."""
        return key.issuer == self._issuer and await (await self._find()).verifier.accepts(key)

    def still_accepts(self, key: SigningKey) -> bool:
        """See Issuer."""
        return self._known is not None and self._known.verifier.still_accepts(key)

    async def close(self) -> None:
        """Stop background work."""
        if self._known is not None:
            await self._known.verifier.close()

    def _role(self, claims: dict[str, Any]) -> Role:
        given = texts_at(claims, self._role_claim)
        for role, values in self._roles:
            if "*" in values or given & values:
                return role
        raise NoRole(f"The claim {self._role_claim!r} has none of RUNWATCH_OIDC_ADMINS and RUNWATCH_OIDC_VIEWERS")

    async def _find(self) -> _Known:
        """What the provider says of itself."""
        async with self._finding:
            if self._known is None:
                # Anybody can ask for a sign-in: a provider that is away is not asked each time.
                if time.monotonic() - self._failed_at < PAUSE_SECONDS:
                    raise Unavailable("the provider could not be reached")
                try:
                    self._known = await self._discover()
                except _AWAY as error:
                    self._failed_at = time.monotonic()
                    raise self._away(error) from error
            return self._known

    async def _discover(self) -> _Known:
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        found = _decoded(await self._request("GET", url), _Endpoints)
        if found.issuer != self._issuer:
            raise ValueError(f"it calls itself {found.issuer}")
        given = {*found.id_token_signing_alg_values_supported}
        algorithms = tuple(name for name in ALGORITHMS if name in given)
        if not algorithms:
            raise ValueError(f"it signs with none of {', '.join(ALGORITHMS)}")
        keys = PublishedKeys(found.jwks_uri, algorithms)
        return _Known(found, JwtVerifier(self._issuer, self._client_id, algorithms, keys))

    def _client(self, endpoints: _Endpoints) -> OAuth2Client:
        basic = "client_secret_basic" in endpoints.token_endpoint_auth_methods_supported
        method = "none" if self._secret is None else "client_secret_basic" if basic else "client_secret_post"
        return OAuth2Client(
            None,
            client_id=self._client_id,
            client_secret=self._secret,
            token_endpoint_auth_method=method,
            scope=self._scopes,
            redirect_uri=self._back,
            code_challenge_method="S256",
        )

    async def _redeem(self, endpoints: _Endpoints, code: str, verifier: str) -> dict[str, Any]:
        """The answer to a code."""
        client = self._client(endpoints)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": verifier,
        }
        url, headers, body = client.client_auth(client.token_endpoint_auth_method).prepare(
            "POST",
            endpoints.token_endpoint,
            {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"},
            urlencode(fields),
        )
        try:
            answer = await self._request("POST", url, headers=headers, content=body)
            given = _decoded(answer, dict[str, Any])
        except _AWAY as error:
            raise self._away(error) from error
        if "error" in given:
            raise Unauthenticated(f"The provider refused the code: {str(given['error'])[:100]}")
        return given

    async def _userinfo(self, url: str, token: dict[str, Any], subject: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token.get('access_token')}", "accept": "application/json"}
        try:
            found = _decoded(await self._request("GET", url, headers=headers), dict[str, Any])
        except _AWAY as error:
            raise self._away(error) from error
        # OpenID Connect, 5.3.2: otherwise somebody else's claims could be put in place of his.
        return found if found.get("sub") == subject else {}

    def _away(self, error: Exception) -> Unavailable:
        log.warning("provider_failed", issuer=self._issuer, reason=f"{type(error).__name__}: {error}")
        return Unavailable("the provider could not be reached, or answers what is none of OpenID Connect")

    async def _request(self, method: str, url: str, **more: Any) -> httpx.Response:
        """An answer of at most MAX_BYTES within TIMEOUT_SECONDS; no redirects: the settings name whom we trust."""
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            httpx.AsyncClient(verify=self._tls, timeout=TIMEOUT_SECONDS, follow_redirects=False) as client,
            client.stream(method, url, **more) as answer,
        ):
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError(f"an answer of more than {MAX_BYTES} bytes")
            if answer.status_code >= 500 or (method == "GET" and answer.status_code != 200):
                raise ValueError(f"status {answer.status_code}")
            return httpx.Response(answer.status_code, content=bytes(body))


def _decoded(answer: httpx.Response, expected: type[T]) -> T:
    """What an answer says; ValueError for any other: proxies before a provider answer with pages, or with nothing."""
    try:
        return msgspec.json.decode(answer.content, type=expected)
    except RecursionError:
        raise ValueError("an answer that is nested too deeply") from None
