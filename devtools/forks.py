"""A plugin of pytest that runs the tests in several processes, forked from one that has collected them: --forks 4.

pytest-xdist imports and collects everything in each process: 8 s of CPU for 5,600 tests. A fork has it all, and shares
its memory. What a process does alone (imports, options, the summary, the cache of failures) happens in the first one.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from contextlib import suppress
from io import StringIO
from multiprocessing.connection import Connection, Pipe, wait
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from devtools.units import Unit, units_of
from specs.harness import counts

# New objects before a collection: with Python's 700 it takes 3 % of all CPU.
GARBAGE = 10_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--forks`."""
    parser.addoption("--forks", type=int, default=0, metavar="N", help="run in N processes, forked after collecting")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run all tests, unless they run in this process or only are listed."""
    number = session.config.getoption("forks")
    if not number or session.config.option.collectonly or session.testsfailed:
        return None
    _Run(session, number).run()
    return True


class _Fork:
    """A process, and the tests that it has: the one that it runs, and the next."""

    def __init__(self, name: str, pid: int, connection: Connection, *, shortest_first: bool) -> None:
        self.name = name
        self.shortest_first = shortest_first
        self.pid = pid
        self.connection = connection
        self.unit: Unit | None = None
        self.left: deque[int] = deque()  # of its unit
        self.given: deque[int] = deque()


class _Run:
    """The first process: gives tests to the others, and hears how they went."""

    def __init__(self, session: pytest.Session, number: int) -> None:
        self._session = session
        self._config = session.config
        self._units = units_of(session.items)
        self._number = min(number, len(self._units))
        self._forks: dict[Connection, _Fork] = {}
        self._started = 0
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        reporter.showfspath = False  # tests of several files come mixed

    def run(self) -> None:
        """Until all have ended."""
        self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        gc.collect()
        gc.freeze()  # the collector of a fork leaves alone, and so does not copy, what was collected
        gc.set_threshold(GARBAGE, 20, 20)
        try:
            for _ in range(self._number):
                self._start()
            while self._forks:
                for connection in wait(list(self._forks)):
                    self._hear(self._forks[connection])  # type: ignore[index]
                if self._session.shouldfail or self._session.shouldstop:
                    break
        finally:
            for fork in self._forks.values():
                os.kill(fork.pid, signal.SIGKILL)
                os.waitpid(fork.pid, 0)
            gc.unfreeze()
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _start(self) -> None:
        name = f"fork{self._started}"
        self._started += 1
        ours, theirs = Pipe()
        pid = os.fork()
        if not pid:
            for connection in (ours, *self._forks):
                connection.close()
            _work(self._session, theirs, name)
        theirs.close()
        # Long tests mostly wait, short ones compute: with one process at the short ones the cores have work all along.
        shortest_first = self._number > 1 and not any(each.shortest_first for each in self._forks.values())
        fork = self._forks[ours] = _Fork(name, pid, ours, shortest_first=shortest_first)
        self._give(fork)
        self._give(fork)

    def _give(self, fork: _Fork) -> None:
        """One more test, so that it knows which fixtures the next one needs; None when there is none."""
        if not fork.left and (unit := self._choose(fork)) is not None:
            fork.unit, fork.left = unit, deque(unit.numbers)
        test = fork.left.popleft() if fork.left else None
        if test is not None:
            fork.given.append(test)
        with suppress(OSError):  # it has died, which the next reading tells
            fork.connection.send(test)

    def _choose(self, fork: _Fork) -> Unit | None:
        """The first that shares wide fixtures with its last one; else one whose fixtures nobody else has."""
        taken = {other.unit.shares for other in self._forks.values() if other.unit is not None and other is not fork}
        mine = fork.unit.shares if fork.unit is not None else None

        def rank(unit: Unit) -> int:
            return 0 if unit.shares == mine else 1 if not unit.shares or unit.shares not in taken else 2

        units = reversed(self._units) if fork.shortest_first else self._units
        chosen = min(units, key=rank, default=None)
        if chosen is not None:
            self._units.remove(chosen)
        return chosen

    def _hear(self, fork: _Fork) -> None:
        hook = self._config.hook
        try:
            kind, content = fork.connection.recv()
        except (EOFError, OSError):
            self._bury(fork)
            return
        if kind == "warning":
            hook.pytest_warning_recorded.call_historic(kwargs=content)
        elif kind == "ran":
            item = self._session.items[fork.given.popleft()]
            self._give(fork)
            for report in content:
                hook.pytest_runtest_logreport(
                    report=hook.pytest_report_from_serializable(config=self._config, data=report)
                )
            hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        elif kind == "ended":
            counts.reduced.update(content["reduced"])
            if content["trouble"]:
                self._fail(f"{fork.name}, when its tests had run", content["trouble"])

    def _bury(self, fork: _Fork) -> None:
        """It has ended: as it should, or in the midst of a test, which then has failed."""
        del self._forks[fork.connection]
        fork.connection.close()
        _, status = os.waitpid(fork.pid, 0)
        if fork.given:
            code = os.waitstatus_to_exitcode(status)
            self._fail(self._session.items[fork.given.popleft()].nodeid, f"{fork.name} ended with {code} in this test")
            if rest := [*fork.given, *fork.left]:
                self._units.insert(0, Unit(rest, fork.unit.shares if fork.unit else frozenset()))
            self._start()

    def _fail(self, name: str, why: str) -> None:
        report = pytest.TestReport(name, (name, None, name), {}, "failed", why, "call")
        self._config.hook.pytest_runtest_logreport(report=report)


class _Reports:
    """In a fork: sends what the first process shows."""

    def __init__(self, config: pytest.Config, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self.reports: list[Any] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_warning_recorded(self, **about: Any) -> None:
        with suppress(pickle.PicklingError, TypeError, AttributeError):
            self._connection.send(("warning", about))


def _work(session: pytest.Session, connection: Connection, name: str) -> NoReturn:
    """Be a fork: run the tests that come, and end."""
    code = 1
    try:
        reports = _settle(session, connection, name)
        current = connection.recv()
        while current is not None:
            following = connection.recv()
            item, nextitem = session.items[current], None if following is None else session.items[following]
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            connection.send(("ran", reports.reports))
            reports.reports = []
            current = following
        trouble = ""
        try:
            session.config._ensure_unconfigure()  # warnings of what is collected as garbage only now
        except Exception:
            trouble = traceback.format_exc()
        connection.send(("ended", {"reduced": counts.reduced, "trouble": trouble}))
        code = 0
    except (EOFError, KeyboardInterrupt):  # the first process has ended, or is about to
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        # What the interpreter does at its end, but for taking apart what it shares with the others.
        with suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
        os._exit(code)


def _settle(session: pytest.Session, connection: Connection, name: str) -> _Reports:
    """Take nothing from the other processes: neither the terminal, nor files for what is printed, nor a folder."""
    config, manager = session.config, session.config.pluginmanager
    capture = manager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()
    nowhere = type(config.get_terminal_writer())(StringIO())
    manager.unregister(name="terminalreporter")
    manager.register(SimpleNamespace(_tw=nowhere), "terminalreporter")  # for pytest-timeout
    reports = _Reports(config, connection)
    manager.register(reports, "reports of a fork")
    factory = config._tmp_path_factory  # type: ignore[attr-defined]
    factory._basetemp = factory.getbasetemp() / name
    factory._basetemp.mkdir(mode=0o700)
    return reports
