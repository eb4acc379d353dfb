"""A real Chromium, and what specs do in it: sign in, look at the page, count what must not happen."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Request,
    StorageState,
    ViewportSize,
    expect,
    sync_playwright,
)

from specs.harness.compose import ROOT

HISTORY = "/admin/automations/history"
EXECUTIONS = "/admin/automations/executions"
METRICS = "/admin/automations/metrics"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
SECRET = "runwatch.session-secret"
# What the list of sessions shows of one that `session` has begun.
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
# A wait that ends in an error; what is waited for takes a fraction of it.
PATIENCE_MS = 15_000
BUILT = ROOT / "dashboard" / "dist" / "index.html"

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",  # else a process begins for each new page, and ends when the page goes to the server
    "--process-per-site",  # a page in a context that was used takes 0.43 s of CPU instead of 0.58
]
# Before any script of the page: what the policy refused, and errors that nobody caught.
WATCH = """
window.refused = []
document.addEventListener('securitypolicyviolation', (event) =>
  refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))
"""


def executable() -> str | None:
    """Where Chromium is: the one without windows if there is one, which has the same engine for 0.6 of the CPU."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def missing() -> str | None:
    """Why there can be no browser specs here; None if nothing is missing."""
    if executable() is None:
        return "there is no Chromium on PATH (Debian: apt install chromium-headless-shell)"
    if not BUILT.is_file():
        return "the page is not built (./dev page)"
    return None


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser. Without one: a skip that says why, in CI a failure."""
    if why := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    expect.set_options(timeout=PATIENCE_MS)
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=[*ARGUMENTS, *options], headless=True)
        yield browser
        browser.close()


class SharedBrowser:
    """A browser that tests use one after the other, while others between them run event loops of their own.

    Playwright's synchronous API marks its loop as the one that runs in this thread, also between two calls.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)

    def take_back(self) -> None:
        """Nobody uses it any more: it can be closed."""
        asyncio._set_running_loop(self._loop)

    @contextmanager
    def lent(self) -> Iterator[Browser]:
        """The browser, for a while in which no other event loop can run."""
        asyncio._set_running_loop(self._loop)
        try:
            yield self._browser
        finally:
            asyncio._set_running_loop(None)


def session(url: str, token: str) -> StorageState:
    """A session of the token's holder, as a context of the browser begins with."""
    answer = httpx.post(f"{url}/session", json={"token": token}, headers={"user-agent": BROWSER}, timeout=30)
    assert answer.status_code == 204, answer.text
    cookies: list[Any] = [
        {
            "name": cookie.name,
            "value": cookie.value or "",
            "domain": urlsplit(url).hostname,
            "path": "/",
            "httpOnly": True,
            "sameSite": "Strict",
        }
        for cookie in answer.cookies.jar
    ]
    stored = [{"name": SECRET, "value": answer.headers["x-runwatch-session"]}]
    return {"cookies": cookies, "origins": [{"origin": url, "localStorage": stored}]}  # type: ignore[typeddict-item]


class _Used:
    """A context with a page, which one visitor after the other uses.

    Making a context takes 2 s of CPU, emptying it next to nothing; another page in it takes as much again as what the
    page loads. Between two visitors the page is at an address without scripts, where it reaches the server's storage.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page = context.new_page()
        self._history = context.new_cdp_session(self.page)

    def prepare(self, url: str, state: StorageState | None) -> None:
        """Be as new, with the cookies and the storage of a session."""
        if self.page.url != f"{url}/health":
            self.page.goto(f"{url}/health")
        self._history.send("Page.resetNavigationHistory")
        self.context.add_cookies((state or {}).get("cookies", []))  # type: ignore[arg-type]
        origins = (state or {}).get("origins", [])
        stored = {item["name"]: item["value"] for origin in origins for item in origin["localStorage"]}
        self.page.evaluate(
            "(stored) => { localStorage.clear(); sessionStorage.clear(); Object.assign(localStorage, stored) }", stored
        )

    def empty(self, url: str) -> bool:
        """Close and undo what its visitor has opened and set; whether another can have it."""
        try:
            self.page.unroute_all(behavior="ignoreErrors")
            for page in self.context.pages:
                if page is not self.page:
                    page.unroute_all(behavior="ignoreErrors")
                    # Closing is not at once: what the page has put off would write into the next visitor's storage.
                    page.evaluate("Storage.prototype.setItem = () => {}")
                    page.close()
            self.context.unroute_all(behavior="ignoreErrors")
            self.context.set_offline(False)
            self.page.goto(f"{url}/health")
            self.page.emulate_media(media="null", color_scheme="light")
            if self.page.viewport_size != DESKTOP:
                self.page.set_viewport_size(DESKTOP)
            self.page.mouse.move(-1, -1)  # else what the next visitor's page draws there may be hovered
            self.context.clear_cookies()
        except Error:  # its visitor has closed it, or ended the server
            with suppress(Error):
                self.context.close()
            return False
        return True


_idle: WeakKeyDictionary[Browser, list[_Used]] = WeakKeyDictionary()


class Visitor:
    """Somebody with a browser at a server: contexts, of which each is a browser with its own storage."""

    def __init__(self, browser: Browser, url: str, state: StorageState | None) -> None:
        self.browser = browser
        self.url = url
        self.state = state
        self.listen: Callable[[Request], object] = lambda request: None
        self._contexts: list[BrowserContext] = []
        self._used: list[_Used] = []
        self._errors: list[str] = []

    def open(self, path: str = HISTORY, *, signed_in: bool = True) -> Page:
        """A page in a context that no other page of this visitor has; its HTTP cache may have the page's files.

        Others had it before, and others will: what listens to its events is `listen`, or takes itself away.
        """
        page = self._used_one(signed_in=signed_in).page
        page.goto(f"{self.url}{path}")
        return page

    def open_new(
        self, path: str = HISTORY, *, signed_in: bool = True, phone: bool = False, script: str = "", **options: Any
    ) -> Page:
        """A page in a context that is new, with options of its own; `script` runs before any of the page."""
        context = self._new_context(phone=phone, storage_state=self.state if signed_in else None, **options)
        if script:
            context.add_init_script(script)
        self._contexts.append(context)
        return self.tab(context, path)

    def blank(self) -> Page:
        """A page that is new and shows nothing yet: what comes between it and the server can be set up.

        Not for a clock, which its context would keep: `open_new("")` has one that goes with its page.
        """
        return self.tab(self._used_one(signed_in=True).context, "")

    def _used_one(self, *, signed_in: bool) -> _Used:
        idle = _idle.setdefault(self.browser, [])
        used = idle.pop() if idle else _Used(self._new_context())
        self._used.append(used)
        used.prepare(self.url, self.state if signed_in else None)
        self._attend(used.page)
        return used

    def _new_context(self, *, phone: bool = False, **options: Any) -> BrowserContext:
        usual = {"timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}
        context = self.browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            has_touch=phone,
            permissions=["clipboard-read", "clipboard-write"],
            **usual | options,
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(WATCH)
        return context

    def tab(self, context: BrowserContext, path: str) -> Page:
        """One more page of a context."""
        page = context.new_page()
        self._attend(page)
        if path:
            page.goto(f"{self.url}{path}")
        return page

    def _attend(self, page: Page) -> None:
        page.on("request", self._heard)
        page.on("pageerror", self._failed)

    def _heard(self, request: Request) -> None:
        self.listen(request)

    def _failed(self, error: Error) -> None:
        self._errors.append(str(error))

    def close(self) -> None:
        """Close all of it; nothing may have been refused by the policy, nor have failed without being caught."""
        refused: list[str] = []
        pages = [page for context in self._contexts for page in context.pages]
        for page in [*pages, *(page for used in self._used for page in used.context.pages)]:
            try:
                refused += page.evaluate("window.refused ?? []")
            except Error:  # it has gone to an address that the server does not answer
                continue
        for page in pages:  # a handler may be about an answer: its error would come up in the next test
            page.unroute_all(behavior="ignoreErrors")
        for context in self._contexts:
            context.close()
        for used in self._used:
            used.page.remove_listener("request", self._heard)
            used.page.remove_listener("pageerror", self._failed)
        _idle.setdefault(self.browser, []).extend(used for used in self._used if used.empty(self.url))
        assert not refused, refused
        assert not self._errors, self._errors
