"""A watchdog: when this process ends, even by kill -9, its servers are killed and their folders removed.

PR_SET_PDEATHSIG would do half of it: Linux only, it follows the *thread* that started the server, and it leaves
the data behind. So one small child (15 ms to start, alive only while servers are) holds the other end of a pipe:
the kernel closes our end however we die.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_lock = threading.Lock()
_watched: set[Path] = set()
_guard: subprocess.Popen[bytes] | None = None


def watch(folder: Path, pid: int = 0, ending: signal.Signals = signal.SIGKILL) -> None:
    """Until forget(folder): when we die, have `pid` (0: none) ended and `folder` removed. Call again on any change."""
    global _guard
    with _lock:
        if _guard is None:
            # -S -I: no site-packages, nothing of the environment; a session of its own, so that Ctrl-C passes it by.
            _guard = subprocess.Popen(
                [sys.executable, "-S", "-I", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        _watched.add(folder)
        _tell(_guard, f"watch {pid} {ending.value} {folder}")


def forget(folder: Path) -> None:
    """Stop guarding; the watchdog leaves with its last folder."""
    global _guard
    with _lock:
        if _guard is None or folder not in _watched:
            return
        _watched.remove(folder)
        with contextlib.suppress(BrokenPipeError):
            _tell(_guard, f"forget 0 0 {folder}")
        if not _watched:
            _guard.communicate()
            _guard = None


def _tell(guard: subprocess.Popen[bytes], line: str) -> None:
    if guard.stdin is not None:
        guard.stdin.write(f"{line}\n".encode())
        guard.stdin.flush()


def main() -> None:
    watched: dict[Path, tuple[int, int]] = {}
    for line in sys.stdin:
        verb, pid, ending, name = line.rstrip("\n").split(" ", 3)
        if verb == "watch":
            watched[Path(name)] = int(pid), int(ending)
        else:
            watched.pop(Path(name), None)
    pids = {pid: number for pid, number in watched.values() if pid}
    for pid, number in pids.items():
        _send(pid, number)
    for folder in watched:
        remove(folder)
    if pids:
        time.sleep(2)  # for one that does not listen
    for pid in pids:
        _send(pid, signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def remove(folder: Path) -> None:
    """Remove a folder that somebody may still write to: Postgres' children outlive a killed postmaster by a moment."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
