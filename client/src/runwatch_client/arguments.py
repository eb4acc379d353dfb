"""What an engine gives the client: stripped of what a file or an environment adds to it, and checked once."""

from __future__ import annotations

import re
from typing import Any

import httpx

# What RFC 6750 lets a Bearer token consist of. httpx prints a header that it cannot send, the token with it.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_USERINFO = re.compile(r"(?<=://)[^/@\s'\"]*@")
MAX_SOURCE = 100


class ConfigurationError(ValueError):
    """Wrong arguments of Runwatch(…): one message for all of them, which repeats neither the token nor the URL."""


def checked(url: Any, token: Any, source: Any) -> tuple[str, str, str]:
    """The three, without white space around URL and token, and without the URL's last slash."""
    problems = [
        f"{name}: {problem}"
        for name, problem in (("url", _of_url(url)), ("token", _of_token(token)), ("source", _of_source(source)))
        if problem is not None
    ]
    if problems:
        raise ConfigurationError("; ".join(problems))
    return url.strip().rstrip("/"), token.strip(), source


def without_credentials(text: str) -> str:
    """A text for the log, in which no URL has a name and password."""
    return _USERINFO.sub("•••@", text)


def _of_url(url: Any) -> str | None:
    if not isinstance(url, str):
        return f"must be text, not {type(url).__name__}"
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError):
        return "is not a URL"
    if parsed.scheme not in {"http", "https"} or not parsed.host or (parsed.port or 1) > 65535:
        return "must be Runwatch's URL, such as https://runwatch.example"
    if parsed.userinfo:
        return "must not have a name or password, which would be sent in place of the token"
    if parsed.query or parsed.fragment:
        return "must not have a query or fragment"
    return None


def _of_token(token: Any) -> str | None:
    if not isinstance(token, str):
        return f"must be text, not {type(token).__name__}"
    given = token.strip()
    if not given:
        return "is empty"
    if given.lower().startswith("bearer"):
        return "must not begin with Bearer, which the client adds"
    if not _TOKEN.fullmatch(given):
        return "has characters that no token has, such as white space, quotes or letters beyond ASCII"
    return None


def _of_source(source: Any) -> str | None:
    if not isinstance(source, str):
        return f"must be text, not {type(source).__name__}"
    return None if 1 <= len(source) <= MAX_SOURCE else f"must have 1 to {MAX_SOURCE} characters"
