"""URLs of webhooks: checks them, makes their signing secrets, and knows what in them is secret."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from app.delivery.http_library import http_library
from app.errors import BadInput

# Members of a connection that are no secrets.
OPEN = frozenset({"guarded", "key", "previous_until"})
# Shorter parts of a path are words, and let nobody in.
MIN_KEY_LENGTH = 16


def checked_webhook_url(url: str) -> str:
    """The host of a webhook's URL, in ASCII; BadInput for a URL that is not http(s), or that has a user or password."""
    parts = split_url(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput("Webhook: the URL must begin with http:// or https://")
    if "@" in parts.netloc:
        raise BadInput("Webhook: no user or password in the URL; the signature says who sends")
    if parts.port == 0:
        raise BadInput("Webhook: invalid port")
    library = http_library()
    try:
        host: str = library.URL(url).raw_host.decode()  # the form that requests use
        host.encode("idna")  # the form that look-ups use: it accepts no empty and no long labels
        return host
    except (library.InvalidURL, UnicodeError) as error:
        raise BadInput(f"Webhook: malformed URL: {error}") from None


def new_signing_secret() -> str:
    """A secret that signs webhooks, after Standard Webhooks: whsec_ and 32 random bytes in Base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def secrets_of(connection: dict[str, str]) -> set[str]:
    """What no message may show of a connection: its values, and the credentials in its URLs."""
    values = [value for name, value in connection.items() if name not in OPEN]
    found = set(values)
    for value in values:
        for url in value.split(";"):
            found.update(_keys_in(url))
    return found


def _keys_in(url: str) -> Iterator[str]:
    """Each as it is in the URL, which many receivers repeat when they refuse it, and decoded."""
    parts = urlsplit(url)
    # A field without a value is a secret itself, and so is a user without a password.
    values = [value or name for name, _, value in (field.partition("=") for field in parts.query.split("&"))]
    values += (part for part in parts.path.split("/") if len(part) >= MIN_KEY_LENGTH)
    if login := parts.password or parts.username:
        values.append(login)
        user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        yield base64.b64encode(user.encode()).decode()  # as the Authorization header has it
    for value in filter(None, values):
        yield from (value, unquote(value), unquote_plus(value))


def split_url(url: str) -> SplitResult:
    if not url.isprintable() or " " in url:
        raise BadInput("Malformed URL: contains spaces or control characters")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises for an invalid port
    except ValueError:
        raise BadInput("Malformed URL") from None
    return parts
