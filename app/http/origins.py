"""Whether a request comes from a page of this very server, and what its browser calls the session's cookie.

A browser sends cookies with requests of other pages too. So a cookie counts only beside proof that our own page asked.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import Scope

_PORTS = {"http": 80, "https": 443}


def is_own_page(scope: Scope, public_url: str) -> bool:
    """Whether a browser says that a page of this origin sent the request.

    Sec-Fetch-Site is set by the browser alone. Older ones send Origin, which must be that of the request, or of
    RUNWATCH_PUBLIC_URL where a proxy replaces the host. Neither: no proof.
    """
    sites = [value for name, value in scope["headers"] if name == b"sec-fetch-site"]
    if sites:
        return sites == [b"same-origin"]
    origin = origin_of(header(scope, b"origin") or "")
    return origin is not None and origin in (_own_origin(scope, public_url), origin_of(public_url))


def is_secure(scope: Scope, public_url: str) -> bool:
    """Whether the browser speaks https, to us or to the proxy at RUNWATCH_PUBLIC_URL."""
    if scope["scheme"] in ("https", "wss"):
        return True
    public = origin_of(public_url) or ""
    return public.startswith("https:") and public == origin_of(f"https://{header(scope, b'host') or ''}")


def origin_of(url: str) -> str | None:
    """The origin of a URL as browsers write it: in lower case, without the scheme's own port. None: it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in _PORTS or parts.username is not None:
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, _PORTS[parts.scheme]) else "")


def cookie_name(scope: Scope, *, secure: bool) -> str:
    """The session's cookie. Cookies ignore ports, so the name has it; over https the name keeps other hosts out."""
    if secure:
        return "__Host-runwatch"
    _, _, port = (header(scope, b"host") or "").rpartition(":")
    return f"runwatch-{port if port.isdecimal() else 80}"


def cookies(scope: Scope, name: str) -> list[str]:
    """The values of the cookies of that name."""
    found = []
    for key, value in scope["headers"]:
        if key == b"cookie":
            for part in value.decode("latin-1").split(";"):
                given, _, content = part.strip().partition("=")
                if given == name:
                    found.append(content)
    return found


def header(scope: Scope, name: bytes) -> str | None:
    """The only header of that name; None if there is none, or more than one."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def _own_origin(scope: Scope, public_url: str) -> str | None:
    scheme = "https" if is_secure(scope, public_url) else "http"
    return origin_of(f"{scheme}://{header(scope, b'host') or ''}")
