"""APP-AUTO-EXEC-SERVER-…-UI: how the page is served: its policy, its files, its build."""

from __future__ import annotations

import os
import re

import httpx
import pytest

from specs.harness.browser import HISTORY, missing
from specs.harness.driver import Runwatch


@pytest.fixture(autouse=True)
def built() -> None:
    """The page, which has to be there; in CI it is a failure that it is not."""
    if why := missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)


POLICY = {
    **dict.fromkeys(["script-src", "style-src", "img-src", "font-src", "connect-src", "manifest-src"], "'self'"),
    **dict.fromkeys(["default-src", "base-uri", "frame-ancestors"], "'none'"),
    "form-action": "'self'",
}


def test_server_002_ui_pages_let_nothing_in(shared: Runwatch) -> None:
    """Each page MUST forbid all that is not its own, name its build by a hash, and be no part of another site."""
    build = shared.ask("{ server { build } }")["data"]["server"]["build"]
    assert re.fullmatch("[0-9a-f]{12}", build)
    for path, status in ((HISTORY, 200), ("/graphiql", 200), ("/", 200), ("/graphql", 401), ("/nothing", 404)):
        answer = httpx.get(f"{shared.url}{path}", timeout=30)
        assert (answer.status_code, answer.headers["x-runwatch-build"]) == (status, build), path
    for path in (HISTORY, "/graphiql"):
        headers = httpx.get(f"{shared.url}{path}", timeout=30).headers
        assert headers["cross-origin-resource-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "same-origin")
        assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=()"
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        if path == "/graphiql":  # Monaco makes style sheets, and has small images in one
            assert re.fullmatch(r"'self' 'nonce-[\w-]{22}'", policy["style-src"])
            expected = POLICY | {"style-src": policy["style-src"], "img-src": "'self' data:", "worker-src": "'self'"}
        else:
            types = {"require-trusted-types-for": "'script'", "trusted-types": "'none'"}
            expected = POLICY | {"worker-src": "'none'"} | types
        assert policy == expected, path


def test_server_003_ui_files_are_kept_and_come_compressed(shared: Runwatch) -> None:
    """Assets MUST be immutable and compressed beforehand, the page asked for anew, GraphiQL never kept."""
    page = httpx.get(f"{shared.url}{HISTORY}", timeout=30)
    assert page.headers["cache-control"] == "no-cache"
    again = httpx.get(f"{shared.url}{HISTORY}", headers={"if-none-match": page.headers["etag"]}, timeout=30)
    assert (again.status_code, again.content) == (304, b"")
    assets = re.findall(r'(?:src|href)="(/admin/automations/assets/[^"]+)"', page.text)
    assert assets
    for path in assets:
        for coding in ("br", "gzip"):
            headers = httpx.get(f"{shared.url}{path}", headers={"accept-encoding": coding}, timeout=30).headers
            assert headers["cache-control"] == "public, max-age=31536000, immutable"
            assert headers.get("content-encoding") == coding, path
    kept = {"if-none-match": "*", "accept-encoding": "br"}
    graphiql = httpx.get(f"{shared.url}/graphiql", headers=kept, timeout=30)
    assert (graphiql.status_code, graphiql.headers["cache-control"]) == (200, "no-store")
    assert "content-encoding" not in graphiql.headers
