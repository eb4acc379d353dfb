"""A process that has imported what the tests import of others, and forks for each run of pytest: 2 s of CPU saved each.

Each line of its input is a JSON object: {"words", "environment", "output", "seconds", "imported"}; each line of its
output is the exit code of pytest, or null when it took longer than so many seconds.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
import warnings
from typing import Any, NoReturn

TICK_SECONDS = 0.02
# A loop that no longer ends may fill a list.
BYTES = 3 * 1024**3


def main() -> None:
    import pytest

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    for line in sys.stdin:
        job = json.loads(line)
        _import(job["imported"])
        child = os.fork()
        if child == 0:
            _run(job, pytest.main)
        print(json.dumps(_wait(child, job["seconds"])), flush=True)


def _import(names: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            if name not in sys.modules:
                try:
                    importlib.import_module(name)
                except Exception:  # noqa: S112  # whoever needs it hears of it
                    continue


def _run(job: dict[str, Any], run: Any) -> NoReturn:
    code = 3
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()  # so that it can be killed with all that it starts
        output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(descriptor, number)
        os.environ.update(job["environment"])
        sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
        resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
        code = int(run(job["words"]))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _wait(child: int, seconds: float) -> int | None:
    until, parent = time.monotonic() + seconds, os.getppid()
    try:
        while time.monotonic() < until and os.getppid() == parent:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(TICK_SECONDS)
        return None
    finally:
        _kill(child)  # or what it has left behind


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(group, 0)


if __name__ == "__main__":
    main()
