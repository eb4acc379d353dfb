"""What the operating system knows of this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import process_time

from app.monitor import numbers

_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATM, _DESCRIPTORS = Path("/proc/self/statm"), Path("/proc/self/fd")


_counted = 0.0  # of the CPU time


def watch() -> None:
    """Have the numbers of processes ask for this one."""
    numbers.refresh = _count_cpu
    numbers.MEMORY.ask = lambda: {(): float(_resident())}
    numbers.DESCRIPTORS.ask = lambda: {(): float(_open_descriptors())}
    numbers.WORKERS.ask = lambda: {(): 1.0}


def _count_cpu() -> None:
    global _counted
    now = process_time()
    numbers.CPU_SECONDS.add(now - _counted)
    _counted = now


def _resident() -> int:
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE
    except OSError:  # not Linux: the most that it ever was
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _open_descriptors() -> int:
    try:
        # Since Linux 6.2 the size of the folder is their number: to list ten thousand takes ms, each second.
        return _DESCRIPTORS.stat().st_size or len(os.listdir(_DESCRIPTORS))  # noqa: PTH208  # names only
    except OSError:
        return len(os.listdir("/dev/fd"))  # noqa: PTH208
