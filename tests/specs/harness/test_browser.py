"""A page that one visitor after the other uses, in a real Chromium: what one leaves, the next does not find."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, StorageState

from specs.harness.browser import DESKTOP, PHONE, Visitor

FOUND = """({
  cookie: document.cookie, here: { ...localStorage }, tab: { ...sessionStorage },
  before: navigation.entries().map((entry) => new URL(entry.url).pathname),
  dark: matchMedia('(prefers-color-scheme: dark)').matches, printed: matchMedia('print').matches,
  width: innerWidth, online: navigator.onLine,
})"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><p>page")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where a server answers each path with the same page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_used_page_is_as_new(browser: Browser, url: str) -> None:
    """Neither storage, history, listeners and routes nor what is emulated reaches the next visitor."""
    first = Visitor(browser, url, None)
    heard: list[str] = []
    first.listen = lambda request: heard.append(request.url)
    page = first.open("/first")
    page.evaluate("document.cookie = 'a=1'; localStorage.a = sessionStorage.a = 1; history.pushState(null, '', '/x')")
    page.evaluate("addEventListener('pagehide', () => { localStorage.late = sessionStorage.late = 1 })")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size(PHONE)
    page.route("**/*", lambda route: route.abort())
    first.tab(page.context, "/tab")
    page.context.set_offline(True)
    first.close()

    state: StorageState = {"cookies": [], "origins": [{"origin": url, "localStorage": [{"name": "b", "value": "2"}]}]}
    second = Visitor(browser, url, state)
    again = second.open("/second")
    assert again is page, "a new page was made"
    assert again.evaluate(FOUND) == {
        "cookie": "",
        "here": {"b": "2"},
        "tab": {},
        "before": ["/health", "/second"],
        "dark": False,
        "printed": False,
        "width": DESKTOP["width"],
        "online": True,
    }
    assert again.context.pages == [again]
    second.close()
    assert heard == [f"{url}/first", f"{url}/tab"], "the first still hears"
