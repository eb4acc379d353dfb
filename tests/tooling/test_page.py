"""The page's build: only when something changed, whole or not at all, and a failure that the server can show."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from app.http import dashboard
from devtools import check, main, page, page_checks
from devtools.environment import ROOT, SetupError
from devtools.page import Page, Unreachable

# Stands for the packages' programs: what they do is not ours, that they are called is.
PROGRAMS = {
    "gql.tada": "",
    "vite": """
const fs = require('fs'), out = process.argv[4]
fs.mkdirSync(out, { recursive: true })
if (fs.readFileSync('src.ts', 'utf8').includes('broken')) { console.log('src.ts: broken'); process.exit(1) }
fs.copyFileSync('src.ts', out + '/' + (process.argv[6] ?? 'index') + '.html')
""",
}
NPM = """
const fs = require('fs'), programs = %s
fs.appendFileSync('../calls', 'npm ' + process.argv[2] + '\\n')
fs.mkdirSync('node_modules/.bin', { recursive: true })
for (const [name, text] of Object.entries(programs))
  fs.writeFileSync('node_modules/.bin/' + name, `require('fs').appendFileSync('../calls', '${name}\\\\n');` + text)
"""


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The npm that is run: a program that a test may write."""
    node = tmp_path / "node"
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.parent.mkdir(parents=True)
    (node / "bin").mkdir()
    (node / "bin" / "node").symlink_to(page.node_folder() / "bin" / "node")
    npm.write_text(NPM % json.dumps(PROGRAMS))
    monkeypatch.setattr(page, "node_folder", lambda: node)
    monkeypatch.setattr(page, "TOOLS", tmp_path / ".tools")
    return npm


@pytest.fixture
def small(tmp_path: Path, npm: Path) -> Page:
    """A page of one source."""
    folder = tmp_path / "dashboard"
    folder.mkdir()
    (folder / "package-lock.json").write_text("{}")
    (folder / "src.ts").write_text("one")
    (tmp_path / "schema.graphql").write_text("type Query")
    (tmp_path / "guide.md").write_text("# Guide")
    return Page(folder, tmp_path / "schema.graphql", (tmp_path / "guide.md",))


def calls(small: Page) -> list[str]:
    """What was run since the last look."""
    path = small.folder.parent / "calls"
    found = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return found


@pytest.mark.slow
def test_page_is_built_when_something_has_changed(small: Page) -> None:
    small.build()
    assert calls(small) == ["npm ci", "gql.tada", "vite", "vite"]
    assert (small.dist / "index.html").read_text() == (small.dist / "graphiql.html").read_text() == "one"
    small.build()
    assert calls(small) == []

    (small.folder / "src.ts").write_text("two")
    small.build()
    assert calls(small) == ["vite", "vite"]
    assert (small.dist / "index.html").read_text() == "two"

    small.guides[0].write_text("# Another")
    small.build()
    assert calls(small) == ["vite", "vite"]

    small.schema.write_text("type Query { more }")
    small.build()
    assert calls(small) == ["gql.tada", "vite", "vite"]

    (small.folder / "package-lock.json").write_text('{"more": 1}')
    small.build()
    assert calls(small) == ["npm ci", "gql.tada", "vite", "vite"]
    assert not (small.folder / "draft").exists()


@pytest.mark.slow
async def test_page_that_cannot_be_built_says_why_and_the_old_one_stays(
    small: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.build()
    (small.folder / "src.ts").write_text("broken")
    with pytest.raises(SetupError, match=r"src\.ts: broken"):
        small.build()
    assert (small.dist / "index.html").read_text() == "one"
    assert not small.is_current()
    lines = small.log.read_text().splitlines()
    assert "src.ts: broken" in lines
    assert lines[-1].startswith("failed")

    # The server that waits for it shows the same.
    monkeypatch.setattr(dashboard, "BUILD_LOG", small.log)
    routes = dashboard.Dashboard(small.folder / "nowhere").routes
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as reader:
        shown = await reader.get("/admin/automations/history")
        assert shown.status_code == 503
        assert "The page could not be built" in shown.text
        assert "src.ts: broken" in shown.text
        assert "setTimeout" not in shown.text
        small.log.write_text("building the page\n")
        shown = await reader.get("/admin/automations/history")
        assert "The page is being built" in shown.text
        assert "setTimeout" in shown.text


@pytest.mark.slow
def test_page_does_without_checks_where_no_registry_answers_but_ci_does_not(
    small: Page, npm: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    npm.write_text("console.log('npm error code ENOTFOUND'); process.exit(1)")
    with pytest.raises(Unreachable):
        small.build()
    assert small.log.read_text().splitlines()[-1].startswith("failed")
    monkeypatch.setattr(page_checks, "Page", lambda: small)
    assert page_checks.main("lint") == check.NOT_MADE

    monkeypatch.setattr(check, "CHECKS", {"page-lint": ["sh", "-c", f"echo why; exit {check.NOT_MADE}"]})
    monkeypatch.delenv("CI", raising=False)
    assert check.run_checks([]) == 0
    assert [line.split()[:2] for line in capfd.readouterr().out.splitlines()[-1:]] == [["left", "page-lint"]]
    monkeypatch.setenv("CI", "true")
    assert check.run_checks([]) == 1
    said = capfd.readouterr().out
    assert "why" in said
    assert said.splitlines()[-1].startswith("FAILED page-lint")


def test_page_that_weighs_too_much_is_over_its_budget(tmp_path: Path) -> None:
    manifest: dict[str, Any] = {
        "index.html": {"file": "assets/app.js", "css": ["assets/app.css"], "imports": ["_parts.js", "_circle.js"]},
        "_parts.js": {"file": "assets/parts.js", "css": ["assets/parts.css"], "dynamicImports": ["later.tsx"]},
        "_circle.js": {"file": "assets/circle.js", "imports": ["_parts.js", "_circle.js"]},
        "later.tsx": {"file": "assets/later.js"},
        "graphiql.html": {"file": "assets/graphiql.js"},
        "src/metrics/page.tsx": {
            "file": "assets/metrics.js",
            "imports": ["_parts.js"],
            "dynamicImports": ["later.tsx"],
        },
        "src/metrics/plot.tsx": {"file": "assets/plot.js", "imports": ["index.html"]},
    }
    names = {"assets/app.js", "assets/parts.js", "assets/circle.js", "assets/app.css", "assets/parts.css"}
    assert page_checks.first_load(manifest, "index.html") == names
    (tmp_path / "assets").mkdir()
    (tmp_path / ".vite").mkdir()
    (tmp_path / ".vite" / "manifest.json").write_text(json.dumps(manifest))
    for name in names | {"assets/early-1.js", "assets/metrics.js", "assets/plot.js"}:
        (tmp_path / name).write_bytes(os.urandom(7_000) if name.endswith(".css") else b"small")
    lines, over = page_checks.weigh(tmp_path)
    assert over == ["CSS of the first load"]
    assert lines[0].startswith("JavaScript of the first load, gzip: 0.1 of 130 kB (app.js")
    assert lines[1].startswith("CSS of the first load, gzip: 14.0 of 12 kB (app.css 7.0, parts.css 7.0)")
    assert lines[2] == "JavaScript of the metrics page, on top, gzip: 0.1 of 40 kB (metrics.js 0.0, plot.js 0.0)"


def test_page_is_built_beside_the_server_never_before_it(small: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[list[str]] = []

    def become(_: str, words: list[str]) -> None:
        events.append(["server", *words[1:]])
        raise SystemExit(0)

    def begin(words: list[object], **_: object) -> None:
        events.append(["beside", *map(str, words[1:])])

    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setattr(subprocess, "Popen", begin)
    monkeypatch.setattr(page, "Page", lambda: small)
    small.dist.mkdir()
    with pytest.raises(SystemExit):
        main.run(["--port", "1", "--no-page"])
    assert events == [["server", "serve", "--dev", "--port", "1"]]
    assert small.dist.exists()
    events.clear()
    with pytest.raises(SystemExit):
        main.run([])
    assert events == [["beside", "-m", "devtools.page"], ["server", "serve", "--dev"]]
    assert not small.dist.exists(), "the server would keep the stale one"
    events.clear()
    small.dist.mkdir()
    (small.dist / page.STAMP).write_text(small._stamp())
    with pytest.raises(SystemExit):
        main.run([])
    assert events == [["server", "serve", "--dev"]]


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ([], True),
        (["-x", "-k", "history"], True),
        (["--quick"], False),
        (["specs"], True),
        (["tests/deploy/test_wheel.py::test_it_has_one_name"], True),
        (["specs/app/automations/execution/test_history_ui.py"], True),
        (["tests/app/db", "specs/test_start.py"], False),
    ],
)
def test_page_is_built_for_the_tests_that_load_it(
    words: list[str], needed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main._need_page(words) is needed
