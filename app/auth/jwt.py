"""JSON Web Tokens of an issuer: whether they are valid, and what they say.

Only we decide how a token is checked: the algorithms are those of the settings, literally, and each key is bound to its
algorithm before a token is seen. Nothing in a token (alg, jwk, jku, x5c) chooses a key or a check. (`import jwt` is
PyJWT; this module is app.auth.jwt.)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.auth.jwks import KeysUnavailable, PublishedKeys
from app.auth.roles import Role, SigningKey
from app.clock import SECOND
from app.errors import BadInput, Unauthenticated, Unavailable
from app.settings import Settings
from app.texts import has_controls, is_blank

LEEWAY_SECONDS = 30  # how far the issuer's clock and ours may differ
REQUIRED_CLAIMS = ["exp", "iat", "sub", "aud", "iss"]
# Of exp and iat: what both databases can store, in µs. JSON has numbers of any size, and their differences overflow.
MAX_TIME = 253_402_300_799
MAX_SUBJECT_LENGTH = 255  # as in OpenID Connect

_decoder = jwt.PyJWT({"enforce_minimum_key_length": True})

# What a holder hears, by what PyJWT found; the first that matches. PyJWT checks the signature before any claim.
_REASONS: list[tuple[type[jwt.PyJWTError], str]] = [
    (jwt.ExpiredSignatureError, "The token has expired"),
    (jwt.ImmatureSignatureError, "The token is not valid yet"),
    (jwt.InvalidAudienceError, "The token was issued for another audience"),
    (jwt.InvalidIssuerError, "The token was issued by another issuer"),
    (jwt.InvalidAlgorithmError, "The token's algorithm is not accepted"),
    (jwt.InvalidSignatureError, "The token's signature is not valid"),
]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says of its bearer. `expires_at` is in µs since the epoch, leeway included."""

    subject: str
    role: Role
    expires_at: int
    key: SigningKey


class Keys(Protocol):
    """Where keys come from."""

    async def find(self, algorithm: str, key_id: str | None) -> Any | None:
        """The key to verify `algorithm` with, in a form PyJWT accepts; None if there is none."""

    def known(self, algorithm: str, key_id: str | None) -> Any | None:
        """The same, as far as known without waiting."""

    async def close(self) -> None:
        """Stop background work."""


class FixedKey:
    """The key of the settings, for each of their algorithms; BadInput if it does not fit one of them."""

    def __init__(self, key: str, algorithms: tuple[str, ...]) -> None:
        if key.startswith("-----BEGIN"):
            key = key.replace("\\n", "\n")  # lines in one environment variable are often written this way
        self._keys = {algorithm: _prepared(key, algorithm) for algorithm in algorithms}

    async def find(self, algorithm: str, key_id: str | None) -> Any | None:
        """The one key, whatever its id."""
        return self.known(algorithm, key_id)

    def known(self, algorithm: str, key_id: str | None) -> Any | None:
        """The same."""
        return self._keys.get(algorithm)

    async def close(self) -> None:
        """Nothing runs in the background."""


class JwtVerifier:
    """Whether a token is one of an issuer, for an audience, and signed with a key of his."""

    def __init__(self, issuer: str, audience: str, algorithms: tuple[str, ...], keys: Keys) -> None:
        self._issuer = issuer
        self._audience = audience
        self._algorithms = algorithms
        self._keys = keys

    async def verified(
        self, token: str, required: Sequence[str] = REQUIRED_CLAIMS
    ) -> tuple[dict[str, Any], SigningKey]:
        """The token's claims, and what it was checked with; Unauthenticated if it is not valid, or lacks one.

        Unavailable while the issuer's keys cannot be fetched: that says nothing of the token.
        """
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise Unauthenticated("Unknown token") from None
        algorithm = header.get("alg")
        if algorithm not in self._algorithms:
            raise Unauthenticated("The token's algorithm is not accepted")
        if "crit" in header or "b64" in header:
            raise Unauthenticated("The token needs an extension that Runwatch does not support")
        key_id = header.get("kid")
        key = await self._key(algorithm, key_id)
        claims = self._decode(token, key, required)
        # PyJWT takes texts for numbers, too; exp is a NumericDate (RFC 7519, section 2).
        if not all(isinstance(claims[name], int | float) and abs(claims[name]) <= MAX_TIME for name in ("exp", "iat")):
            raise Unauthenticated("The token's exp and iat must be numbers of seconds, of the years until 9999")
        return claims, SigningKey(self._issuer, algorithm, key_id, _sha256(key))

    async def accepts(self, key: SigningKey) -> bool:
        """Whether a token that was checked with this key would be checked with it now. Unavailable as above."""
        if not self._may_use(key):
            return False
        try:
            return _is_same(key, await self._key(key.algorithm, key.key_id))
        except Unauthenticated:
            return False

    def still_accepts(self, key: SigningKey) -> bool:
        """The same, by the keys that are known, without waiting for the issuer."""
        if not self._may_use(key):
            return False
        return _is_same(key, self._keys.known(key.algorithm, key.key_id))

    async def close(self) -> None:
        """Stop background work."""
        await self._keys.close()

    def _may_use(self, key: SigningKey) -> bool:
        return key.algorithm in self._algorithms and key.issuer == self._issuer

    async def _key(self, algorithm: str, key_id: str | None) -> Any:
        try:
            key = await self._keys.find(algorithm, key_id)
        except KeysUnavailable:
            raise Unavailable("the issuer's keys could not be fetched") from None
        if key is None:
            raise Unauthenticated("The token is signed with an unknown key")
        return key

    def _decode(self, token: str, key: Any, required: Sequence[str]) -> dict[str, Any]:
        try:
            return _decoder.decode(
                token,
                key,
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(required)},
            )
        except jwt.MissingRequiredClaimError as error:
            raise Unauthenticated(f"The token lacks the claim {error.claim!r}") from None
        except jwt.PyJWTError as error:
            reason = next((text for kind, text in _REASONS if isinstance(error, kind)), "The token is malformed")
            raise Unauthenticated(reason) from None


class JwtCheck:
    """Checks bearer tokens as the settings say. BadInput if their key does not fit their algorithms."""

    def __init__(self, settings: Settings) -> None:
        algorithms = settings.jwt_algorithms
        keys: Keys
        if settings.jwt_key is not None:
            keys = FixedKey(settings.jwt_key.get_secret_value(), algorithms)
        else:
            keys = PublishedKeys(settings.jwt_jwks_url or "", algorithms)
        self.verifier = JwtVerifier(settings.jwt_issuer or "", settings.jwt_audience or "", algorithms, keys)
        self._role_claim = settings.jwt_role_claim
        self._max_lifetime = settings.jwt_max_lifetime

    async def claims_of(self, token: str) -> Claims:
        """What the token says; Unauthenticated if it is not valid, or names none of our roles.

        Unavailable as JwtVerifier has it.
        """
        claims, key = await self.verifier.verified(token)
        if claims["exp"] - claims["iat"] > self._max_lifetime:
            raise Unauthenticated(f"The token is valid for longer than {self._max_lifetime} s")
        return Claims(
            subject=checked_subject(claims["sub"]),
            role=_role(claims, self._role_claim),
            expires_at=(int(claims["exp"]) + LEEWAY_SECONDS) * SECOND,
            key=key,
        )

    async def close(self) -> None:
        """Stop background work."""
        await self.verifier.close()


def _prepared(key: str, algorithm: str) -> Any:
    """The key as PyJWT's algorithm accepts it; BadInput if it is of another kind, private, or too short."""
    method = jwt.get_algorithm_by_name(algorithm)
    try:
        prepared = method.prepare_key(key)
    except (jwt.PyJWTError, ValueError, TypeError):
        kind = "shared secret" if algorithm.startswith("HS") else "PEM public key"
        raise BadInput(f"RUNWATCH_JWT_KEY: not a {kind} for {algorithm}") from None
    if hasattr(prepared, "private_bytes"):
        raise BadInput("RUNWATCH_JWT_KEY: private key; set the public key, which is enough to check tokens")
    problem = method.check_key_length(prepared)
    if problem:
        raise BadInput(f"RUNWATCH_JWT_KEY: too short for {algorithm}: {problem}")
    return prepared


def _sha256(key: Any) -> str:
    """Identifies a key. A shared secret is not hashed itself: this tells no more of it than a token does."""
    key = getattr(key, "key", key)  # of a PyJWK
    if isinstance(key, bytes):
        return hmac.new(key, b"runwatch", "sha256").hexdigest()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _is_same(key: SigningKey, found: Any | None) -> bool:
    return found is not None and _sha256(found) == key.sha256


def checked_subject(subject: str) -> str:
    """The name of the bearer, fit for the audit log."""
    if len(subject) > MAX_SUBJECT_LENGTH or is_blank(subject) or has_controls(subject):
        raise Unauthenticated(
            f"The token's sub must have 1 to {MAX_SUBJECT_LENGTH} characters without control characters, and one that"
            " can be seen"
        )
    return subject


def texts_at(claims: dict[str, Any], path: str) -> set[str]:
    """The texts of the claim at `path`, in upper case: its own, or those of its list."""
    value = _at(claims, path)
    return {text.upper() for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)}


def _role(claims: dict[str, Any], path: str) -> Role:
    """ADMIN or VIEWER, from the claim at `path`: a text, or a list in which the greater role counts."""
    given = texts_at(claims, path)
    for role in (Role.ADMIN, Role.VIEWER):
        if role.value in given:
            return role
    if Role.RUNNER.value in given:
        # A runner may report for one engine only, and no claim names it.
        raise Unauthenticated("Report events with an API token of role RUNNER, not with a JSON Web Token")
    # Not FORBIDDEN: that answers somebody with a role about one field, and this bearer has no role.
    raise Unauthenticated(f"The token's claim {path!r} is neither ADMIN nor VIEWER")


def _at(claims: Any, path: str) -> Any:
    """The value at a path: first as one whole name (https://example.com/role), else dots descend."""
    if not isinstance(claims, dict):
        return None
    if path in claims:
        return claims[path]
    first, dot, rest = path.partition(".")
    return _at(claims.get(first), rest) if dot else None
