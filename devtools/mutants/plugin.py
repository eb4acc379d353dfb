"""A plugin of pytest, in the copies that mutants are tried in: which tests reach which lines, and what runs first.

RUNWATCH_MUTANTS is a JSON object. With "trace", the lines of that file which each test reaches, its seconds and the
modules imported are written to "report"; with "order", those tests run, in that order, each for so many seconds at
most, and "report" gets the first one that fails.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

# The exit code after a test that takes too long; none of pytest's own.
TIMED_OUT = 99


def pytest_configure(config: pytest.Config) -> None:
    wanted = json.loads(os.environ["RUNWATCH_MUTANTS"])
    plugin = Tracing(wanted) if "trace" in wanted else Trying(wanted)
    config.pluginmanager.register(plugin, "runwatch-mutants")


class Tracing:
    def __init__(self, wanted: dict[str, Any]) -> None:
        self._file, self._report = wanted["trace"], Path(wanted["report"])
        self._lines: set[int] = set()
        self._tests: dict[str, dict[str, Any]] = {}

    def pytest_collection_finish(self) -> None:
        sys.settrace(self._trace)
        threading.settrace(self._trace)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._lines = set()
        started = time.monotonic()
        result = yield
        self._tests[item.nodeid] = {"seconds": time.monotonic() - started, "lines": sorted(self._lines)}
        return result

    def pytest_sessionfinish(self) -> None:
        sys.settrace(None)
        threading.settrace(None)
        third = [
            name for name, module in sys.modules.items() if "site-packages" in (getattr(module, "__file__", "") or "")
        ]
        self._report.write_text(json.dumps({"tests": self._tests, "imported": third}))

    def _trace(self, frame: FrameType, event: str, arg: object) -> Any:
        return self._trace_line if frame.f_code.co_filename == self._file else None

    def _trace_line(self, frame: FrameType, event: str, arg: object) -> Any:
        self._lines.add(frame.f_lineno)
        return self._trace_line


class Trying:
    def __init__(self, wanted: dict[str, Any]) -> None:
        self._limits: dict[str, float] = wanted["order"]
        self._places = {name: place for place, name in enumerate(self._limits)}
        self._report = Path(wanted["report"])

    def pytest_sessionstart(self) -> None:
        # Before test modules are imported. An example that fails is enough: nobody asks for the least one.
        if (hypothesis := sys.modules.get("hypothesis")) is not None:
            phases = [each for each in hypothesis.Phase if each.name in ("explicit", "reuse", "generate")]
            hypothesis.settings.register_profile("mutants", hypothesis.settings.default, phases=phases)
            hypothesis.settings.load_profile("mutants")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (each for each in items if each.nodeid in self._places), key=lambda each: self._places[each.nodeid]
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        # A thread: the alarm signal may be somebody else's, and whoever loops without an end answers nothing softer.
        timer = threading.Timer(self._limits[item.nodeid], os._exit, [TIMED_OUT])
        timer.daemon = True
        timer.start()
        try:
            return (yield)
        finally:
            timer.cancel()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self._report.exists():
            self._report.write_text(report.nodeid)
