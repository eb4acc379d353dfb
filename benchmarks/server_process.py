"""Server processes for benchmarks over HTTP, and the CPU that they spend."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from specs.harness.servers import free_port

ROOT = Path(__file__).parent.parent
TICK = os.sysconf("SC_CLK_TCK")
# For a benchmark whose token asks for more than one may.
UNLIMITED = dict.fromkeys(
    (
        "RUNWATCH_MAX_COST_PER_MINUTE",
        "RUNWATCH_MAX_EVENT_BYTES_PER_MINUTE",
        "RUNWATCH_MAX_CONCURRENT_OPERATIONS",
        "RUNWATCH_MAX_CONCURRENT_EVENT_BODIES",
    ),
    "0",
)


class ServerProcess:
    """A child process that listens on `port`."""

    def __init__(self, child: subprocess.Popen[bytes], port: int) -> None:
        self._child = child
        self.pid = child.pid
        self.port = port

    def cpu_seconds(self) -> float:
        """The CPU time that all of its threads have spent, user and system."""
        return process_cpu(self.pid)

    def stop(self) -> None:
        """End it as Ctrl-C does, so that a profiler can write what it has."""
        self._child.send_signal(signal.SIGINT)
        try:
            self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def process_cpu(pid: int) -> float:
    """Seconds of CPU of one process; exact to a tick of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def precise_cpu(pid: int) -> float:
    """Seconds of CPU of the living threads of a process, to the nanosecond, where the kernel tells."""
    try:
        return sum(int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    except OSError:
        return process_cpu(pid)


def children(pid: int) -> list[int]:
    """The process ids of the living children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def children_cpu(pid: int) -> float:
    """Seconds of CPU of the living children of a process: of Postgres, whose backends live as long as its clients."""
    return sum(process_cpu(child) for child in children(pid))


def resident_kb(pid: int) -> int:
    """How much memory a process has in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


@contextmanager
def running(
    command: Sequence[str], environment: dict[str, str] | None = None, tree: Path = ROOT
) -> Iterator[ServerProcess]:
    """Run `python <command>`, of which {port} is replaced, until the block ends; with the modules of a checkout."""
    port = free_port()
    argv = [sys.executable, *(word.format(port=port) for word in command)]
    settings = {**os.environ, **(environment or {})}
    with subprocess.Popen(argv, cwd=tree, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        server = ServerProcess(child, port)
        try:
            _wait(child, port)
            yield server
        finally:
            server.stop()


def _wait(child: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        if child.poll() is not None:
            raise RuntimeError(f"The server ended with {child.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("The server did not start within 30 s")


def runwatch(*words: str, environment: dict[str, str]) -> str:
    """What a command of runwatch prints."""
    found = subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return found.stdout.strip()
