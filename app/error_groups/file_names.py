"""A file's name without what differs between machines and builds. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

_QUERY = re.compile(r"\?.*|(?<=\.js)#.*")
_LIBRARIES = {"site-packages", "dist-packages", "node_modules"}
# What bundlers put into a file's name: .3f2a9c (webpack), -B4x9kQ2z (Vite), -5CFQRCPP (Angular). Words have neither
# digits nor capitals within.
_BUILD_HASH = re.compile(
    r"[.-](?:(?=[a-f]*[0-9])[0-9a-f]{6,}+"
    r"|(?=[A-Za-z_-]{0,7}[0-9]|[A-Za-z_-]{1,6}[A-Z][A-Za-z_-]{0,5}[A-Z])(?=[a-z0-9_-]{0,7}[A-Z])[A-Za-z0-9_-]{8})(?=\.)"
)
_MINIFIED = re.compile(r"\.min\.m?js$")
_TEMPORARY = re.compile(r"^tmp[a-z0-9_]{8}(?=\.|$)")  # Python's tempfile
_PACKAGE_VERSION = re.compile(r"(?<=.)@\d.*")


@lru_cache(1024)
def file_name(path: str) -> str:
    """The file, and for a library's file its folder too."""
    if path.startswith("node:"):
        return path
    path = _QUERY.sub("", path).replace("\\", "/")
    parts = [part for part in path.split("/") if part] or [path]
    library = max((at for at, part in enumerate(parts) if part in _LIBRARIES), default=None)
    kept = parts[-1:] if library is None else parts[library + 1 :][-2:]
    if parts[-1] == "__init__.py":
        kept = parts[-2:]
    kept = [_PACKAGE_VERSION.sub("", part) for part in kept]
    return _TEMPORARY.sub("tmp", _BUILD_HASH.sub("", "/".join(kept)))


def is_bundle(path: str) -> bool:
    """Whether a bundler wrote this file, with a hash in its name or minified."""
    name = _QUERY.sub("", path).replace("\\", "/").rpartition("/")[2]
    return _BUILD_HASH.search(name) is not None or _MINIFIED.search(name) is not None
