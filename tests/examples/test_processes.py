"""The processes of a demo: none is left, whenever a signal comes."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FILE = Path(__file__).parents[2] / "examples" / "celery" / "processes.py"
WAITS = [sys.executable, "-S", "-c", "import signal; print('waits', flush=True); signal.pause()"]
TELLS = """
import signal
two = (signal.SIGINT, signal.SIGTERM)
print([signal.getsignal(each) in (signal.SIG_DFL, signal.default_int_handler) for each in two], flush=True)
print(signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True)
signal.pause()
"""


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module, in a program that SIGTERM ends by an exception, as the demo."""
    spec = importlib.util.spec_from_file_location("processes", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    yield module
    signal.signal(signal.SIGTERM, before)


class Popen(subprocess.Popen[bytes]):
    """Is sent a signal when its process is there, and nobody knows it yet."""

    number = 0
    made: list[subprocess.Popen[bytes]]

    def __init__(self, *words: Any, **given: Any) -> None:
        super().__init__(*words, **given)
        self.made.append(self)
        signal.raise_signal(self.number)


@pytest.mark.parametrize(("number", "raises"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_signal_within_a_start_ends_what_is_started(
    processes: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, raises: type[BaseException]
) -> None:
    made = list[subprocess.Popen[bytes]]()
    monkeypatch.setattr(Popen, "number", number)
    monkeypatch.setattr(Popen, "made", made, raising=False)
    monkeypatch.setattr(processes.subprocess, "Popen", Popen)
    try:
        with pytest.raises(raises), processes.Processes() as started:
            started.start("waiter", WAITS, dict(os.environ), lambda _: True, tmp_path)
        assert [each.poll() for each in made] == [-signal.SIGTERM]
        assert not started.folder.exists()
    finally:
        made[0].kill()
        made[0].wait()


def test_processes_inherit_no_signal_that_waits(processes: ModuleType, tmp_path: Path) -> None:
    words = [sys.executable, "-S", "-c", TELLS]
    with processes.Processes() as started:
        started.start("teller", words, dict(os.environ), lambda said: said.count("\n") == 2, tmp_path)
        assert (started.folder / "teller.log").read_text() == "[True, True]\nset()\n"


@pytest.mark.parametrize(("checks", "seconds"), [(3, 60.0), (10_000, 0.02)])
def test_end_waits_for_the_whole_group_within_a_bound(
    processes: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checks: int, seconds: float
) -> None:
    asked = list[int]()
    kill = os.killpg

    def killpg(group: int, number: int) -> None:
        asked.append(number)
        if number:
            kill(group, number)
        elif len(asked) > checks:
            raise ProcessLookupError

    with processes.Processes() as started:
        started.start("waiter", WAITS, dict(os.environ), lambda said: "waits" in said, tmp_path)
        monkeypatch.setattr(processes.os, "killpg", killpg)
        monkeypatch.setattr(processes, "GONE_SECONDS", seconds)
    assert 0 in asked
    assert len(asked) <= checks + 1
