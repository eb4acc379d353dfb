"""The dashboard and GraphiQL: files that the build made, read into memory once, under a strict policy.

Everybody may load them: they hold no data, and what they ask for needs a sign-in.
"""

from __future__ import annotations

import base64
import hashlib
import html
import mimetypes
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.delivery.page_links import BASE, HISTORY, execution_link
from app.graphql.trusted import of_manifest

PACKAGED = Path(__file__).parent / "static"  # in a wheel
BUILT = Path(__file__).parents[2] / "dashboard" / "dist"  # in a checkout; ./dev builds it
BUILD_LOG = BUILT.with_name("build.log")
# Without a word of the build for so long, there is none. The packages of a first build may take minutes.
PATIENCE_SECONDS = 15 * 60

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src {styles}; img-src {images}; font-src 'self'; connect-src 'self';"
    " manifest-src 'self'; worker-src {workers}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# React sets styles through the CSSOM, which no policy forbids.
PAGE_POLICY = (
    _POLICY.format(styles="'self'", images="'self'", workers="'none'")
    + "; require-trusted-types-for 'script'; trusted-types 'none'"
)
# Monaco writes <style> elements, which get the nonce, and its style sheet has small images as data.
GRAPHIQL_POLICY = _POLICY.format(styles="'self' 'nonce-{nonce}'", images="'self' data:", workers="'self'")
HEADERS = {
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
DOCUMENTS = "documents.json"  # what the page sends to /graphql, as dashboard/documents.ts lists it
OFF_POLICY = "default-src 'none'"
OFF = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>GraphiQL is off</title><h1>GraphiQL is off</h1>'
    "<p>This server takes trusted documents only (RUNWATCH_GRAPHQL_DOCUMENTS=trusted): what you write here it would"
    f' refuse.</p><p><a href="{HISTORY}">To the runs</a></p></html>'
)
IMMUTABLE = "public, max-age=31536000, immutable"
_NONCE = b"%NONCE%"
_IS_ZERO = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    encoded: Mapping[str, bytes]  # by content coding, the best first
    media_type: str
    etag: str
    cache_control: str


class Dashboard:
    """The built page. `build` is a hash of it: a page that has another one offers a reload.

    `headers`, which name the build, are for every answer. They change once the page is built.
    """

    def __init__(self, folder: Path | None = None, *, graphiql: bool = True) -> None:
        self._folder = folder
        self._has_graphiql = graphiql
        self._files: dict[str, _File] = {}
        self._began = time.time()
        self.build = ""
        self.headers: list[tuple[bytes, bytes]] = []
        self._documents: dict[str, str] = {}
        self._read()

    @property
    def documents(self) -> dict[str, str]:
        """What the page sends to /graphql, by the SHA-256 of each text; the build lists them."""
        if not self._files:
            self._read()
        return self._documents

    @property
    def routes(self) -> list[Route]:
        """What to serve it under."""
        return [
            Route("/admin", _to_history),
            Route(BASE, _to_history),
            Route(f"{BASE}/{{path:path}}", self.page),
            Route("/graphiql", self.graphiql),
            Route("/executions/{id}", _to_execution),  # what older alerts link to
        ]

    async def page(self, request: Request) -> Response:
        """A file of the build by its name; else the page itself, which knows its own addresses."""
        path = request.path_params["path"]
        if path == "":
            return _to_history(request)
        file = self._file(path)
        if file is None and path.startswith("assets/"):
            return Response("There is no such file\n", 404, HEADERS, "text/plain")
        file = file or self._file("index.html")
        if file is None:
            return _not_built(self._began)
        return _answer(request, file, PAGE_POLICY)

    async def graphiql(self, request: Request) -> Response:
        """GraphiQL, each time with a nonce of its own: neither stored, nor compressed beforehand, nor 304."""
        if not self._has_graphiql:
            return Response(OFF, 403, {**HEADERS, "content-security-policy": OFF_POLICY}, "text/html")
        file = self._file("graphiql.html")
        if file is None:
            return _not_built(self._began)
        nonce = secrets.token_urlsafe(16)
        headers = {
            **HEADERS,
            "content-security-policy": GRAPHIQL_POLICY.format(nonce=nonce),
            "cache-control": "no-store",
        }
        return Response(file.content.replace(_NONCE, nonce.encode()), 200, headers, file.media_type)

    def _file(self, name: str) -> _File | None:
        if not self._files:
            self._read()  # ./dev may have built it since
        return self._files.get(name)

    def _read(self) -> None:
        folder = self._folder or (PACKAGED if PACKAGED.is_dir() else BUILT)
        if not (folder / "index.html").is_file():
            return
        files = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not name.startswith(".") and path.suffix not in (".br", ".gz"):
                files[name] = _read_file(path, name)
        self.build = hashlib.sha256("".join(file.etag for file in files.values()).encode()).hexdigest()[:12]
        self.headers[:] = [(b"x-runwatch-build", self.build.encode())]
        listed = files.get(DOCUMENTS)
        self._documents = {} if listed is None else of_manifest(listed.content)
        self._files = files


def _read_file(path: Path, name: str) -> _File:
    content = path.read_bytes()
    encoded = {}
    for coding, suffix in (("br", ".br"), ("gzip", ".gz")):
        beside = path.with_name(path.name + suffix)
        if beside.is_file():
            encoded[coding] = beside.read_bytes()
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if media_type == "application/javascript":
        media_type = "text/javascript"
    hashed = name.startswith("assets/")  # the build puts a hash of the content into these names
    return _File(
        content,
        encoded,
        media_type,
        f'"{hashlib.sha256(content).hexdigest()[:16]}"',
        IMMUTABLE if hashed else "no-cache",
    )


def _answer(request: Request, file: _File, policy: str) -> Response:
    headers = {**HEADERS, "cache-control": file.cache_control, "etag": file.etag, "vary": "Accept-Encoding"}
    if file.media_type == "text/html":
        headers["content-security-policy"] = policy
    known = request.headers.get("if-none-match", "")
    if file.etag in known or known.strip() == "*":
        return Response(status_code=304, headers=headers)
    content = file.content
    codings = [part.partition(";") for part in request.headers.get("accept-encoding", "").split(",")]
    accepted = {name.strip() for name, _, weight in codings if not _IS_ZERO.fullmatch(weight)}
    for coding, encoded in file.encoded.items():
        if coding in accepted:
            headers["content-encoding"] = coding
            content = encoded
            break
    return Response(content, 200, headers, file.media_type)


def _to_history(request: Request) -> Response:
    return RedirectResponse(HISTORY, 303)


def _to_execution(request: Request) -> Response:
    return RedirectResponse(execution_link("", request.path_params["id"]), 308)


# Not Refresh: with a fragment, as a link that signs in has, that goes nowhere.
_RELOAD = "setTimeout(() => location.reload(), 2000)"
_RELOAD_SHA256 = base64.b64encode(hashlib.sha256(_RELOAD.encode()).digest()).decode()


def _not_built(began: float) -> Response:
    """While ./dev builds it: a page that says so, and loads itself again, its fragment kept; then why it failed.

    `began`: when this process did. A build that was killed leaves no last word: it has failed when it is silent.
    """
    try:
        lines = BUILD_LOG.read_text(errors="replace").splitlines()[-12:]
        began = max(began, BUILD_LOG.stat().st_mtime)
    except OSError:
        lines = []
    failed = (bool(lines) and lines[-1].startswith("failed")) or time.time() - began > PATIENCE_SECONDS
    said = html.escape("\n".join(lines))
    title = "The page could not be built" if failed else "The page is being built"
    hint = (
        "The API works: POST /graphql. Run ./dev page to try again."
        if failed
        else "It takes half a minute the first time, and loads by itself then."
    )
    again = "" if failed else f"<script>{_RELOAD}</script>"
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><p>{hint}</p><pre>{said}</pre>{again}</html>"
    )
    policy = f"default-src 'none'; script-src 'sha256-{_RELOAD_SHA256}'"
    headers = {**HEADERS, "content-security-policy": policy, "cache-control": "no-store"}
    return Response(body, 503, headers, "text/html")
