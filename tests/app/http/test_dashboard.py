"""The built page is served as it was built: from memory, compressed beforehand, under its policy."""

from __future__ import annotations

import gzip
import os
import re
import time
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from app.asgi.request_log import RequestLog
from app.http import dashboard
from app.http.dashboard import GRAPHIQL_POLICY, IMMUTABLE, PAGE_POLICY, Dashboard

PAGE = b"<!doctype html><title>page</title>"
SCRIPT = b"export const answer = 42;\n"


def built(folder: Path) -> Path:
    """What a build leaves."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "graphiql.html").write_bytes(b'<meta name="style-nonce" content="%NONCE%">')
    (folder / "assets" / "main-abc.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "main-abc.js.br").write_bytes(b"not really brotli")
    (folder / "icon.svg").write_bytes(b"<svg/>")
    (folder / ".stamp").write_bytes(b"hash")
    return folder


def client_of(folder: Path) -> httpx.AsyncClient:
    page = Dashboard(folder)
    app = RequestLog(Starlette(routes=page.routes), page.headers)
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers={"accept-encoding": ""})


def directives(answer: httpx.Response) -> dict[str, str]:
    policy = answer.headers["content-security-policy"]
    return {name: values for name, _, values in (each.strip().partition(" ") for each in policy.split(";"))}


async def test_the_page_answers_at_each_of_its_addresses(tmp_path: Path) -> None:
    async with client_of(built(tmp_path)) as client:
        for path in ("history", "executions/execution_1", "sign-in", "nothing/of/ours", ".stamp"):
            answer = await client.get(f"/admin/automations/{path}")
            assert (answer.status_code, answer.content) == (200, PAGE), path
            assert answer.headers["content-security-policy"] == PAGE_POLICY
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert answer.headers["referrer-policy"] == "same-origin"
        for path in ("/admin", "/admin/automations", "/admin/automations/"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/admin/automations/history")
        missing = await client.get("/admin/automations/assets/main-old.js")
        assert (missing.status_code, "immutable" in missing.headers.get("cache-control", "")) == (404, False)


async def test_the_policy_lets_nothing_in(tmp_path: Path) -> None:
    async with client_of(built(tmp_path)) as client:
        page = directives(await client.get("/admin/automations/history"))
        graphiql = directives(await client.get("/graphiql"))
    for found in (page, graphiql):
        assert (found["default-src"], found["script-src"], found["connect-src"]) == ("'none'", "'self'", "'self'")
        assert (found["base-uri"], found["frame-ancestors"], found["form-action"]) == ("'none'", "'none'", "'self'")
        assert "unsafe" not in str(found)
    assert (page["trusted-types"], page["require-trusted-types-for"]) == ("'none'", "'script'")
    assert page["worker-src"] == "'none'"


async def test_assets_are_kept_for_ever_and_compressed(tmp_path: Path) -> None:
    async with client_of(built(tmp_path)) as client:
        path = "/admin/automations/assets/main-abc.js"
        for accepted, coding in (
            ("gzip, deflate, br", "br"),
            ("gzip;q=0.5", "gzip"),
            ("identity", None),
            ("br;q=0, gzip", "gzip"),
            ("zstd", None),
        ):
            request = client.build_request("GET", path, headers={"accept-encoding": accepted})
            answer = await client.send(request, stream=True)
            raw = b"".join([part async for part in answer.aiter_raw()])
            assert answer.headers.get("content-encoding") == coding, accepted
            expected = {"br": b"not really brotli", "gzip": gzip.compress(SCRIPT), None: SCRIPT}[coding]
            assert (gzip.decompress(raw) if coding == "gzip" else raw) == (SCRIPT if coding == "gzip" else expected)
            assert answer.headers["cache-control"] == IMMUTABLE
            assert answer.headers["content-type"].startswith("text/javascript")
            assert answer.headers["vary"] == "Accept-Encoding"
        icon = await client.get("/admin/automations/icon.svg")
        assert (icon.headers["content-type"], icon.headers["cache-control"]) == ("image/svg+xml", "no-cache")


async def test_what_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    async with client_of(built(tmp_path)) as client:
        path = "/admin/automations/history"
        first = await client.get(path)
        etag = first.headers["etag"]
        for given in (etag, f'"x", {etag}', f"W/{etag}", "*"):
            again = await client.get(path, headers={"if-none-match": given})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag), given
        assert (await client.get(path, headers={"if-none-match": '"x"'})).status_code == 200


async def test_graphiql_has_a_nonce_for_each_load(tmp_path: Path) -> None:
    async with client_of(built(tmp_path)) as client:
        nonces = set()
        for _ in range(3):
            answer = await client.get("/graphiql", headers={"if-none-match": "*", "accept-encoding": "gzip, br"})
            assert answer.status_code == 200
            assert (answer.headers["cache-control"], "etag" in answer.headers) == ("no-store", False)
            [nonce] = re.findall('content="(.+)"', answer.text)
            assert answer.headers["content-security-policy"] == GRAPHIQL_POLICY.format(nonce=nonce)
            nonces.add(nonce)
    assert len(nonces) == 3
    assert all(len(nonce) >= 22 for nonce in nonces)


async def test_every_answer_names_the_build(tmp_path: Path) -> None:
    """By a hash of what was built, which changes with it."""
    async with client_of(built(tmp_path / "one")) as client:
        builds = {(await client.get(path)).headers["x-runwatch-build"] for path in ("/graphiql", "/nothing", "/admin")}
    built(tmp_path / "two")
    (tmp_path / "two" / "index.html").write_bytes(PAGE + b"!")
    async with client_of(tmp_path / "two") as client:
        other = (await client.get("/admin")).headers["x-runwatch-build"]
    assert len(builds) == 1
    assert other not in builds


@pytest.mark.parametrize(
    ("log", "title", "reloads"),
    [
        (None, "The page is being built", True),
        ("vite <building>\n", "The page is being built", True),
        ("vite <building>\nfailed with 1\n", "The page could not be built", False),
    ],
)
async def test_a_page_that_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str | None, title: str, reloads: bool
) -> None:
    """It says so, and loads itself again unless the build has failed."""
    monkeypatch.setattr(dashboard, "BUILD_LOG", tmp_path / "build.log")
    if log is not None:
        (tmp_path / "build.log").write_text(log)
    async with client_of(tmp_path / "dist") as client:
        for path in ("/admin/automations/history", "/graphiql"):
            answer = await client.get(path)
            assert (answer.status_code, title in answer.text, "location.reload()" in answer.text) == (
                503,
                True,
                reloads,
            )
            assert ("&lt;building&gt;" in answer.text, "<building>" in answer.text) == (log is not None, False)
            assert "x-runwatch-build" not in answer.headers
        built(tmp_path / "dist")
        assert (await client.get("/admin/automations/history")).content == PAGE


async def test_build_that_was_killed_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves no last word: after a quarter of an hour of silence the page says that it failed, and rests."""
    log = tmp_path / "build.log"
    log.write_text("installing the page's packages\n")
    monkeypatch.setattr(dashboard, "BUILD_LOG", log)
    async with client_of(tmp_path / "dist") as client:
        now = time.time()
        for silent, reloads in ((dashboard.PATIENCE_SECONDS - 60, True), (dashboard.PATIENCE_SECONDS + 60, False)):
            os.utime(log, (now, now))
            monkeypatch.setattr(time, "time", lambda silent=silent: now + silent)
            answer = await client.get("/admin/automations/history")
            assert ("location.reload()" in answer.text, "could not be built" in answer.text) == (reloads, not reloads)
            assert "The API works" in answer.text or reloads
            assert "installing the page" in answer.text
