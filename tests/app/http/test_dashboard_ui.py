"""The page that stands in for one that is being built, in a real Chromium."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette

from app.http import dashboard
from app.http.dashboard import Dashboard
from specs.harness.servers import free_port
from specs.harness.waiting import soon


@pytest.mark.slow
def test_building_page_gives_way_to_the_built_one_and_keeps_the_fragment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    """With a fragment the header Refresh loads nothing: a first start shows a link that has one."""
    built, port = tmp_path / "dist", free_port()
    monkeypatch.setattr(dashboard, "BUILD_LOG", tmp_path / "build.log")
    app = Starlette(routes=Dashboard(built).routes)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    serving = threading.Thread(target=server.run)
    serving.start()
    try:
        soon(lambda: server.started)
        with browser.new_page() as page:
            refused: list[str] = []
            page.on("console", lambda message: refused.append(message.text) if "Policy" in message.text else None)
            page.goto(f"http://127.0.0.1:{port}/admin/automations/sign-in?next=x#code=secret")
            expect(page).to_have_title("The page is being built")
            built.mkdir()
            (built / "index.html").write_text("<!doctype html><title>Built</title>")
            expect(page).to_have_title("Built")
            assert page.url.endswith("/sign-in?next=x#code=secret")
            assert refused == []
    finally:
        server.should_exit = True
        serving.join()
