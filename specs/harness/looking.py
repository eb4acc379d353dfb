"""What specs look for in a page: its rows, its size, what axe-core finds, and whether it fits the window."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from specs.harness.browser import DESKTOP, PATIENCE_MS, PHONE
from specs.harness.compose import ROOT

AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"


def wait(page: Page, expression: str, argument: Any = None, *, patience: int = 1) -> None:
    """Until an expression of JavaScript holds: wait_for_function needs eval, which the policy forbids."""
    waited, pause = 0, 25
    while waited < patience * PATIENCE_MS:
        if page.evaluate(expression, argument):
            return
        page.wait_for_timeout(pause)
        waited, pause = waited + pause, min(2 * pause, 100)  # each look takes CPU from what is waited for
    raise AssertionError(f"never: {expression}")


def rows(page: Page) -> list[str]:
    """The ids of the rows in the document, from top to bottom."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('[role=row][data-id]')].sort((a, b) =>"
        " a.getBoundingClientRect().top - b.getBoundingClientRect().top).map((row) => row.dataset.id)"
    )
    return found


def nodes(page: Page) -> int:
    """How many elements the document has."""
    count: int = page.evaluate("document.querySelectorAll('*').length")
    return count


def has_few_nodes(page: Page, most: int) -> None:
    """The document has at most so many elements; a list that jumps has its old and its new rows for a frame."""
    wait(page, "(most) => document.querySelectorAll('*').length <= most", most)


def violations(page: Page, *rules: str, colours: bool = True) -> list[str]:
    """What axe-core finds against the rules of WCAG 2.2 AA, and its own best practices; against some of them alone.

    Without `colours` it takes half as long.
    """
    # Not add_script_tag, which the policy refuses.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        """({ rules, colours }) => axe.run(document, {
          resultTypes: ['violations'],
          preload: false, // of style sheets and media, for rules that are not run
          rules: { 'color-contrast': { enabled: colours } },
          ...(rules.length ? { runOnly: { type: 'rule', values: rules } } : {}),
        }).then((result) => result.violations)""",
        {"rules": rules, "colours": colours},
    )
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def looks(page: Page, *, phone: bool = True) -> None:
    """Look at a state in light, in dark and on a phone: axe-core finds nothing, and nothing overflows the window.

    One page changes its clothes: what is not about colour is the same in the dark, and colours are the same on a phone.
    """
    found = {"light": violations(page)}
    page.emulate_media(color_scheme="dark")
    found["dark"] = violations(page, "color-contrast", "link-in-text-block")
    page.emulate_media(color_scheme="light")
    if phone:
        page.set_viewport_size(PHONE)
        found["phone"] = [*violations(page, colours=False), *overflows(page)]
        page.set_viewport_size(DESKTOP)
    assert not any(found.values()), (page.url, found)


def overflows(page: Page) -> list[str]:
    """What reaches beyond the window's right edge: all of it if the page scrolls sideways, else what is cut off there.

    Code, log lines and their levels, and wide tables scroll by themselves.
    """
    beyond: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(
          document.documentElement.scrollWidth > innerWidth ? '*' : 'a, button, h1, h2, h3, input, label, p, b')]
          .filter((element) => {
            const { right, width } = element.getBoundingClientRect()
            return right > innerWidth + 1 && width > 1 && element.checkVisibility() &&
              !element.closest('pre, .log-lines, .log-levels, .scroller, .graphiql-container')
          })
          .map((element) => `overflow: ${element.tagName}.${element.className} ${element.textContent.slice(0, 40)}`)
          .slice(0, 10)"""
    )
    return beyond


def in_view(page: Page, text: str) -> bool:
    """Whether an element with that text lies in the window, without anybody scrolling."""
    shown: bool = page.evaluate(
        """(text) => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
          while (walker.nextNode()) {
            if (!walker.currentNode.data.includes(text)) continue
            const range = document.createRange()
            range.selectNodeContents(walker.currentNode)
            const { top, bottom, left, right, width } = range.getBoundingClientRect()
            const middle = document.elementFromPoint((left + right) / 2, (top + bottom) / 2)
            if (width > 0 && top >= 0 && bottom <= innerHeight && middle?.textContent.includes(text)) return true
          }
          return false
        }""",
        text,
    )
    return shown
