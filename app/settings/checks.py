"""Checks of single settings, and of those for sign-in together: a ValueError says what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit


def checked_public_url(url: str) -> str:
    """The URL without a slash at its end."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError("must be a URL that begins with http:// or https://, without ? and #")
    if parts.path.strip("/"):
        # The page, its assets, its cookie and the doors are at the root: below a path a link would lead nowhere.
        raise ValueError("must not have a path: give Runwatch a host name of its own, https://runwatch.example.com")
    return url.rstrip("/")


def checked_issuer(url: str) -> str:
    """The URL as it was given: an issuer is compared to the letter."""
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if url and (not parts.hostname or parts.query or parts.fragment or not (parts.scheme == "https" or local)):
        raise ValueError("must be a URL that begins with https://, without ? and #; http:// only on this machine")
    return url


def checked_address(value: str) -> str:
    """host:port, or nothing."""
    host, _, port = value.rpartition(":")
    if value and (not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536):
        raise ValueError("must be host:port, such as 127.0.0.1:9464")
    return value


def checked_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Origins as browsers send them."""
    for origin in origins:
        parts = urlsplit(origin)
        written = f"{parts.scheme}://{parts.netloc}".lower()
        if parts.scheme not in ("http", "https") or not parts.hostname or origin != written or parts.username:
            raise ValueError(f"{origin}: not an origin as browsers send it, such as https://tools.example.com")
    return origins


def check_jwt(
    algorithms: Collection[str], key: object | None, jwks_url: str | None, issuer: str | None, audience: str | None
) -> None:
    """Whether the settings of JSON Web Tokens are complete, and fit each other."""
    if not algorithms:
        if key or jwks_url:
            raise ValueError("RUNWATCH_JWT_KEY and RUNWATCH_JWT_JWKS_URL need RUNWATCH_JWT_ALGORITHMS")
        return
    if (key is None) == (jwks_url is None):
        raise ValueError("RUNWATCH_JWT_ALGORITHMS needs exactly one of RUNWATCH_JWT_KEY and RUNWATCH_JWT_JWKS_URL")
    if not (issuer and audience):
        raise ValueError("RUNWATCH_JWT_ALGORITHMS needs RUNWATCH_JWT_ISSUER and RUNWATCH_JWT_AUDIENCE")
    kinds = {name[:2] == "HS" for name in algorithms}
    if len(kinds) > 1:
        # One key for both: a public key would then verify as a shared secret.
        raise ValueError("RUNWATCH_JWT_ALGORITHMS mixes HS with RS or ES")
    if kinds == {True} and jwks_url:
        raise ValueError("HS algorithms need a shared RUNWATCH_JWT_KEY, not RUNWATCH_JWT_JWKS_URL")


def check_oidc(issuer: str, client_id: str, secret: object | None, scopes: str, public_url: str) -> None:
    """Whether the settings of an OpenID Connect provider are complete."""
    if not issuer:
        if client_id or secret is not None:
            raise ValueError("RUNWATCH_OIDC_CLIENT_ID and RUNWATCH_OIDC_CLIENT_SECRET need RUNWATCH_OIDC_ISSUER")
        return
    if not client_id:
        raise ValueError("RUNWATCH_OIDC_ISSUER needs RUNWATCH_OIDC_CLIENT_ID")
    if not public_url:
        raise ValueError("RUNWATCH_OIDC_ISSUER needs RUNWATCH_PUBLIC_URL, to which the provider leads people back")
    if "openid" not in scopes.split():
        raise ValueError("RUNWATCH_OIDC_SCOPES must have openid")
