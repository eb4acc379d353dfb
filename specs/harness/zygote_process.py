"""The process that commands are forked from: it has imported everything, and does nothing else.

It runs as a file, so that only what a command sees is on its path. A request is a line of JSON with file descriptors:
standard input, output and error, a socket that receives the process id and, at the end, the exit code, and those that
the command inherits. A server with workers asks in the same way for each of them.
"""

from __future__ import annotations

import asyncio
import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import random
import resource
import runpy
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

ASKED_BYTES = 1 << 20  # more than any environment has
MAX_DESCRIPTORS = 16
# Numbers of file descriptors that no process has in use here.
ASIDE = 512


def warm(names: list[str]) -> None:
    """Import modules; of a package that ends in ".*" all that it has."""
    for name in names:
        package = importlib.import_module(name.removesuffix(".*"))
        if name.endswith(".*"):
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                if not module.name.endswith("__main__"):
                    importlib.import_module(module.name)
    # A fork copies no threads, and what they hold stays locked for ever.
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()  # so that the collector of a child does not write to, and thereby copy, what all of them share


class Forks:
    """The processes that were asked for, and who asks: the tests, and servers with workers."""

    def __init__(self, tests: socket.socket) -> None:
        self._tests = tests
        self._askers = {tests.fileno(): tests}
        self._told: dict[int, socket.socket] = {}  # of the end of a process
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler makes Python write to the descriptor
        signal.set_wakeup_fd(self._wakes)
        self._selector = selectors.DefaultSelector()
        for descriptor in (tests.fileno(), self._woken):
            self._selector.register(descriptor, selectors.EVENT_READ)

    def serve(self) -> dict[str, Any]:
        """Fork whenever asked to; return what to run, in the child only. Without the tests, everything ends."""
        while True:
            ready = {key.fd for key, _ in self._selector.select()}
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            for asker in [self._askers[number] for number in ready & self._askers.keys()]:
                message, descriptors = _heard(asker)
                if not message:
                    self._part_with(asker)
                elif (asked := self._fork(json.loads(message), descriptors)) is not None:
                    return asked

    def _fork(self, asked: dict[str, Any], descriptors: Sequence[int]) -> dict[str, Any] | None:
        *streams, control = descriptors[:4]
        inherited = descriptors[4:]
        ours, theirs = socket.socketpair()  # for more requests
        pid = os.fork()
        if not pid:
            ours.close()
            for target, descriptor in enumerate(streams):
                os.dup2(descriptor, target)
            for descriptor in (*streams, control):
                os.close(descriptor)
            self._leave()
            _inherit(inherited, asked["inherited"])
            return {**asked, "asks": theirs}
        theirs.close()
        for descriptor in (*streams, *inherited):
            os.close(descriptor)
        self._askers[ours.fileno()] = ours
        self._selector.register(ours, selectors.EVENT_READ)
        self._told[pid] = socket.socket(fileno=control)
        self._told[pid].sendall(b"%d\n" % pid)
        return None

    def _leave(self) -> None:
        """In a child: keep nothing of this."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._selector.close()
        for each in (*self._told.values(), *self._askers.values()):
            os.close(each.detach())
        os.close(self._woken)
        os.close(self._wakes)

    def _part_with(self, asker: socket.socket) -> None:
        if asker is self._tests:
            for pid in self._told:
                os.kill(pid, signal.SIGKILL)
            os._exit(0)
        self._selector.unregister(asker)
        self._askers.pop(asker.fileno()).close()

    def _reap(self) -> None:
        while self._told:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self._told.pop(pid) as told, suppress(OSError):
                told.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _heard(asker: socket.socket) -> tuple[bytes, list[int]]:
    message, descriptors, _, _ = socket.recv_fds(asker, ASKED_BYTES, MAX_DESCRIPTORS)
    while message and not message.endswith(b"\n"):
        message += asker.recv(ASKED_BYTES)
    return message, descriptors


def _inherit(descriptors: Sequence[int], numbers: Sequence[int]) -> None:
    """Have file descriptors under the numbers that they have where they come from."""
    aside = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, ASIDE) for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    for descriptor, number in zip(aside, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)


class _Worker:
    """Of another process of ours what asyncio.subprocess.Process has of a child."""

    def __init__(self, pid: int, ended: asyncio.Task[int]) -> None:
        self.pid = pid
        self._ended = ended

    @property
    def returncode(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        if self._ended.done():
            raise ProcessLookupError
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def fork_workers(asked: Mapping[str, Any]) -> None:
    """Have this server's workers forked, too: to start two afresh takes 3 s of CPU."""
    turns = asyncio.Lock()

    async def create(*words: str, pass_fds: Sequence[int], env: Mapping[str, str], **_: object) -> _Worker:
        more = {
            "words": [asked["words"][0], *words[words.index("worker") :]],
            "environment": dict(env),
            "folder": os.getcwd(),  # noqa: PTH109
            "new_session": True,
            "inherited": pass_fds,
            "open_files": resource.getrlimit(resource.RLIMIT_NOFILE),
        }
        message = json.dumps({**asked, **more, "asks": None}).encode() + b"\n"
        ours, theirs = socket.socketpair()
        nothing = os.open(os.devnull, os.O_RDONLY)
        async with turns:  # until it was taken: requests never run into each other
            sent = socket.send_fds(asked["asks"], [message], [nothing, 1, 2, theirs.fileno(), *pass_fds])
            asked["asks"].sendall(message[sent:])
            os.close(nothing)
            theirs.close()
            told, closes = await asyncio.open_connection(sock=ours)
            pid = int(await told.readline())

        async def end() -> int:
            code = int(await told.readline())
            closes.close()
            return code

        return _Worker(pid, asyncio.create_task(end()))

    asyncio.create_subprocess_exec = create  # type: ignore[assignment]


def become(asked: dict[str, Any]) -> None:
    """Be the process that was asked for, as far as its program can tell."""
    if asked["new_session"]:
        os.setsid()
    if "open_files" in asked:
        resource.setrlimit(resource.RLIMIT_NOFILE, asked["open_files"])
    if "--workers" in asked["words"]:
        fork_workers(asked)
    else:
        asked["asks"].close()
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)  # type: ignore[misc]
    sys.argv = asked["words"]
    sys.path[:0] = [*asked["path"], *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    random.seed()
    if "module" in asked:
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
        return
    module, _, name = asked["entry"].partition(":")
    sys.exit(getattr(importlib.import_module(module), name)())


def main() -> None:
    asks = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm(sys.argv[2:])
    asks.sendall(b"\n")
    become(Forks(asks).serve())


if __name__ == "__main__":
    code = 0
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        code = end.code or 0
    # What the interpreter does at its end, but for taking apart modules, which takes longer than most commands.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
