"""The process that commands are forked from: it has imported everything, and does nothing else.

It runs as a file, so that only what a command sees is on its path. A request is a line of JSON with four file
descriptors: standard input, output and error, and a socket that receives the process id and, at the end, the exit code.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import random
import runpy
import selectors
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any

ASKED_BYTES = 1 << 20  # more than any environment has


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


def serve(asks: socket.socket) -> dict[str, Any]:
    """Fork whenever asked to; return what to run, in the child only. Without whoever asks, everything ends."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler makes Python write to the descriptor
    signal.set_wakeup_fd(wakes)
    children: dict[int, socket.socket] = {}
    selector = selectors.DefaultSelector()
    selector.register(asks, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    while True:
        ready = {key.fd for key, _ in selector.select()}
        if woken in ready:
            os.read(woken, 4096)
            _reap(children)
        if asks.fileno() not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(asks, ASKED_BYTES, 4)
        if not message:
            for pid in children:
                os.kill(pid, signal.SIGKILL)
            os._exit(0)
        while not message.endswith(b"\n"):
            message += asks.recv(ASKED_BYTES)
        *streams, control = descriptors
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for target, descriptor in enumerate(streams):
                os.dup2(descriptor, target)
            selector.close()
            for told in children.values():
                told.close()
            for descriptor in (*descriptors, woken, wakes, asks.detach()):
                os.close(descriptor)
            asked: dict[str, Any] = json.loads(message)
            return asked
        for descriptor in streams:
            os.close(descriptor)
        children[pid] = socket.socket(fileno=control)
        children[pid].sendall(b"%d\n" % pid)


def _reap(children: dict[int, socket.socket]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with children.pop(pid) as told, suppress(OSError):
            told.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def become(asked: dict[str, Any]) -> None:
    """Be the process that was asked for, as far as its program can tell."""
    if asked["new_session"]:
        os.setsid()
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
    become(serve(asks))


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
