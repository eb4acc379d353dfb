"""What does the page cost on a poor laptop? A slowed down Chromium, a list of 10,000 runs, 100 updates a second.

    python -m benchmarks.bench_page           # keeps results/page.*
    python -m benchmarks.bench_page --quick   # 1,000 runs, fewer rounds, keeps nothing

Scrolling with and without updates takes turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page

from benchmarks import reporting
from benchmarks.reporting import Figure, short
from specs.harness.browser import Visitor, chromium, missing, session
from specs.harness.driver import Runwatch, Server, event
from specs.harness.looking import nodes, wait
from specs.pages import of, ready, report

WORKFLOW = "orders"
MEGA = 1_000_000
SLOWER = 4  # than this machine: a poor laptop
SECONDS = 3  # of one round of scrolling
UPDATES = 100  # a second
BATCHES = 10  # a second: so they come
FIRST_ROW_MS, FRAME_RATIO, SCRIPT_SHARE, MAX_NODES, MAX_HEAP = 3_000, 1.25, 0.05, 1_500, 40

FIRST_ROW = """new MutationObserver((_, look) => {
  if (!document.querySelector('[role=row][data-id]')) return
  window.firstRowAt = performance.now()
  look.disconnect()
}).observe(document, { childList: true, subtree: true })"""
# Scrolls up and down for so many seconds; how long the frames took, in ms.
SCROLL = """async (seconds) => {
  const rows = document.querySelector('.rows')
  const frames = []
  let [step, last] = [45, performance.now()]
  const end = last + seconds * 1000
  await new Promise((done) => {
    const frame = (now) => {
      frames.push(now - last)
      last = now
      if (rows.scrollTop + rows.clientHeight >= rows.scrollHeight || rows.scrollTop + step < 0) step = -step
      rows.scrollTop += step
      if (now < end) requestAnimationFrame(frame)
      else done()
    }
    requestAnimationFrame(frame)
  })
  return frames.slice(1).sort((a, b) => a - b)
}"""
LOAD_ALL = """() => {
  const rows = document.querySelector('.rows')
  rows.scrollTo(0, rows.scrollHeight)
  return !document.querySelector('[role=grid]').getAttribute('aria-rowcount').startsWith('-')
}"""


@dataclass
class Found:
    """What was measured."""

    first_row: Figure  # ms
    rows: int
    nodes: int
    heap: float  # MB
    still: Figure  # ms: the 95th percentile of the frames of a round, without updates
    updated: Figure  # with them
    ratio: Figure
    script: Figure  # of a core, which updates take

    def lines(self) -> list[tuple[str, str, str, bool]]:
        """What, how much, the budget, and whether it is kept."""
        return [
            ("first row, ms", str(self.first_row), f"{FIRST_ROW_MS:,}", self.first_row.median <= FIRST_ROW_MS),
            (f"elements with {self.rows:,} rows", f"{self.nodes:,}", f"{MAX_NODES:,}", self.nodes <= MAX_NODES),
            (f"heap with {self.rows:,} rows, MB", short(self.heap), str(MAX_HEAP), self.heap <= MAX_HEAP),
            ("frames while scrolling, p95, ms", str(self.still), "", True),
            (f"the same with {UPDATES} updates a second, ms", str(self.updated), "", True),
            ("ratio of both", str(self.ratio), str(FRAME_RATIO), self.ratio.median <= FRAME_RATIO),
            ("script of updates, of a core", str(self.script), str(SCRIPT_SHARE), self.script.median <= SCRIPT_SHARE),
        ]


def first_row(visitor: Visitor, rounds: int) -> Figure:
    """How long the first row takes, in a new browser each time, four times slowed down."""
    took = []
    for _ in range(rounds + 1):
        page = visitor.open_new("", script=FIRST_ROW)
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(f"{visitor.url}{of(WORKFLOW)}")
        wait(page, "window.firstRowAt !== undefined")
        took.append(float(page.evaluate("firstRowAt")))
        page.context.close()
    return Figure.of(took[1:])  # the first one fills the server's caches


@contextmanager
def updating(runwatch: Runwatch) -> Iterator[None]:
    """Report updates of the newest runs, from another thread."""
    over = threading.Event()
    _rounds[0] += 1

    def work() -> None:
        number = 0
        while not over.wait(1 / BATCHES):
            events = []
            for each in range(number, number + UPDATES // BATCHES):
                step = {"step": {"index": each // UPDATES, "name": f"step {_rounds[0]}"}}
                seconds = 1_000_000 * _rounds[0] + each
                events.append(event(WORKFLOW, f"open-{each % UPDATES}", "step.started", seconds, step))
            runwatch.report(*events)
            number += UPDATES // BATCHES

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


_rounds = [0]


def scrolling(page: Page, cdp: CDPSession) -> tuple[float, float]:
    """The 95th percentile of a round's frames in ms, and the script of it, of a core."""
    before = script_seconds(cdp)
    frames: list[float] = page.evaluate(SCROLL, SECONDS)
    return frames[int(len(frames) * 0.95)], (script_seconds(cdp) - before) / SECONDS


def script_seconds(cdp: CDPSession) -> float:
    """How long the page has run JavaScript."""
    metrics = {each["name"]: each["value"] for each in cdp.send("Performance.getMetrics")["metrics"]}
    return float(metrics["ScriptDuration"])


def measure(visitor: Visitor, runwatch: Runwatch, runs: int, rounds: int) -> Found:
    """All of it."""
    report(runwatch, WORKFLOW, *(f"run-{number}" for number in range(runs - UPDATES)))
    report(runwatch, WORKFLOW, *(f"open-{number}" for number in range(UPDATES)), state=None, at=runs)
    first = first_row(visitor, rounds)
    page = ready(visitor.open_new(of(WORKFLOW)))
    wait(page, LOAD_ALL, patience=40)
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    cdp.send("HeapProfiler.collectGarbage")
    heap = cdp.send("Runtime.getHeapUsage")["usedSize"] / MEGA
    page.locator(".rows").evaluate("(rows) => rows.scrollTo(0, 0)")
    still, updated = [], []
    for _ in range(rounds + 1):
        still.append(scrolling(page, cdp))
        with updating(runwatch):
            updated.append(scrolling(page, cdp))
    calm, busy = ([frames for frames, _ in each[1:]] for each in (still, updated))
    script = [b - a for (_, a), (_, b) in zip(still[1:], updated[1:], strict=True)]
    return Found(
        first, runs, nodes(page), heap, Figure.of(calm), Figure.of(busy), reporting.ratio(busy, calm), Figure.of(script)
    )


def main() -> int:
    """Measure, report; 1 when a budget is not kept, 2 without a browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    if why := missing():
        print(why, file=sys.stderr)
        return 2
    runs, rounds = (1_000, 2) if quick else (10_000, 7)
    facts: dict[str, Any] = reporting.machine() | {"rounds": rounds}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        facts["chromium"] = browser.version
        server = Server(Path(folder) / "server", "")
        server.start()
        try:
            runwatch = Runwatch(server.url, "", server.environment)
            runwatch.admin = runwatch.token("admin")
            visitor = Visitor(browser, server.url, session(server.url, runwatch.admin))
            found = measure(visitor, runwatch, runs, rounds)
            visitor.close()
            runwatch.close()
        finally:
            server.kill()
    lines = found.lines()
    text = "\n".join(
        [
            "# What the page costs\n",
            f"`./dev bench page`: median (quartiles). The first row is that of a browser slowed down {SLOWER} times, on"
            f" the machine of the server; all else runs at its full speed. A round scrolls for {SECONDS} s.\n",
            f"- {reporting.facts_text(facts)}\n",
            reporting.table(
                ("", "measured", "budget", "kept"), [(*line, "yes" if kept else "NO") for *line, kept in lines]
            ),
        ]
    )
    if not quick:
        figures = {what: {"measured": much, "budget": budget, "kept": kept} for what, much, budget, kept in lines}
        reporting.write("page", {"machine": facts, "figures": figures}, text)
    print(text)
    return int(not all(kept for *_, kept in lines))


if __name__ == "__main__":
    sys.exit(main())
