"""Which Python .venv is made of: the one that runs ./dev, or another of its version that is a good deal quicker.

Distributions build theirs profile-guided, pyenv does not unless it is told to: the same program takes 0.10 s and 0.14 s
of CPU. The choice is kept in .tools, since two measurements may differ.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from devtools import environment, interpreters
from devtools.environment import Python

# Of the time that the one takes that runs ./dev. For less of a gain nobody wants another Python than that.
QUICK_ENOUGH = 0.85
ROUNDS = 3  # all have their turn in each: a machine that is slow for a second is so for all of them

# What the project needs of a Python, and how long it takes for what the project does much. The least of several times,
# in which nobody else disturbed it.
PROGRAM = """
import ctypes, json, sqlite3, ssl, sys, time

sqlite3.connect(":memory:").execute("CREATE VIRTUAL TABLE t USING fts5 (text, tokenize = 'trigram')")

class Point:
    def __init__(self, x):
        self.x = x

    def moved(self, by):
        return Point(self.x + by)

def work():
    began, seen = time.process_time(), {}
    for number in range(15_000):
        point = Point(number).moved(1)
        seen[f"{point.x % 100}"] = seen.get(str(number), 0) + 1
    for number in range(300):
        json.loads(json.dumps({"a": [number] * 20, "b": {"c": "x" * 50}}))
    return time.process_time() - began

path = getattr(sys, "_base_executable", sys.executable)
print(json.dumps([path, sys.version, sys.implementation.name, min(work() for _ in range(5))]))
"""


def kept() -> Python | None:
    """The choice that was made before, if that Python is still there as it was. `--python` leaves none."""
    if environment.VENV.name != environment.EVERYBODYS:
        return environment.RUNNING
    choice = _choices().get(_chooser())
    if choice is None or choice["changed"] != _changed(choice["path"]) or not _is_alike(choice["version"]):
        return None
    return Python(choice["path"], choice["version"])


def choose() -> Python:
    """Choose, keep the choice, and say so if it is another one."""
    running = environment.RUNNING
    chosen, share = quickest(running, _others())
    if chosen != running:
        environment.say(f"{chosen.path} takes {share:.0%} of the time of {running.path}: .venv gets it")
    choice = {"path": chosen.path, "version": chosen.version, "changed": _changed(chosen.path)}
    _file().write_text(json.dumps({**_choices(), _chooser(): choice}, indent=1))
    return chosen


def quickest(running: Python, others: list[Path]) -> tuple[Python, float]:
    """The quickest if it is quick enough, else the one that runs; and its share of the latter's time."""
    own, times = [], dict[Python, float]()
    for _ in range(ROUNDS):
        own += [seconds for _, seconds in _measured(Path(running.path))]
        for path in others:
            for python, seconds in _measured(path):
                times[python] = min(seconds, times.get(python, seconds))
    if not own or not times:
        return running, 1.0
    best = min(times, key=lambda python: times[python])
    share = times[best] / min(own)
    return (best, share) if share <= QUICK_ENOUGH else (running, 1.0)


def _measured(path: Path) -> list[tuple[Python, float]]:
    """Which Python it is, and how long it takes; nothing if it does not run, or lacks what the project needs."""
    try:
        done = subprocess.run([path, "-I", "-c", PROGRAM], capture_output=True, text=True)
    except OSError:
        return []
    if done.returncode:
        return []
    executable, version, implementation, seconds = json.loads(done.stdout)
    is_alike = implementation == sys.implementation.name and _is_alike(version)
    return [(Python(executable, version), seconds)] if is_alike else []


def _is_alike(version: str) -> bool:
    """Whether it is the same version, in whichever release: the project runs on all of them."""
    return version.split(".")[:2] == environment.RUNNING.version.split(".")[:2]


def _others() -> list[Path]:
    """Those of the same version on this machine, each once, by the name that comes first."""
    found = {path.resolve(): path for path in reversed([*interpreters.candidates(_minor())])}
    found.pop(Path(environment.RUNNING.path).resolve(), None)
    return [*found.values()]


def _minor() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _chooser() -> str:
    """Another one that runs ./dev may have another choice."""
    return f"{environment.RUNNING.path} {environment.RUNNING.version}"


def _changed(path: str) -> int | None:
    """When the Python was installed; None if it is gone."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return None


def _choices() -> dict[str, Any]:
    try:
        choices: dict[str, Any] = json.loads(_file().read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return choices


def _file() -> Path:
    return environment.TOOLS / "pythons.json"
