"""One of the processes of `runwatch serve --workers N`, which app/server/supervisor.py starts."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import socket
import threading
import time
from contextlib import suppress

import uvloop

from app.monitor.slots import Slots
from app.server import serving
from app.server.logging import configure_logging
from app.server.supervisor import BEAT, BEAT_SECONDS, READY, STACKS, STOP_SECONDS, unpacked


def run(listening: int, link: int, numbers: int, place: int, scraped: int | None) -> None:
    """Serve on inherited sockets until a signal, or until the parent at the other end of the link is gone.

    `numbers` is the file of all workers' numbers, in which this one has a place; `scraped` listens for scrapers alone.
    """
    parent = socket.socket(fileno=link)
    # Read by bytes: the end follows the settings, and we wait for that below.
    with parent.makefile("rb", buffering=0) as lines:
        settings = unpacked(lines.readline())
    configure_logging(settings)
    # With the protocol named, as where it was made.
    inherited = [listening] if scraped is None else [listening, scraped]
    opened = [socket.socket(proto=socket.IPPROTO_TCP, fileno=descriptor) for descriptor in inherited]
    slots = Slots(numbers, place, settings.workers)
    # A thread, so that even a worker with a busy loop notices.
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()

    # Written by the handler of the signal itself: the loop may stand still.
    faulthandler.register(STACKS, parent.fileno(), all_threads=True)

    def tell() -> None:
        with suppress(OSError):  # gone: _end_with sees to that
            parent.sendall(READY)
        beat()

    def beat() -> None:
        with suppress(OSError):  # gone, or has not read for hours
            parent.send(BEAT, socket.MSG_DONTWAIT)
        asyncio.get_running_loop().call_later(BEAT_SECONDS, beat)

    with suppress(KeyboardInterrupt):
        uvloop.run(serving.serve_on(opened, settings, slots, tell))


def _end_with(parent: socket.socket) -> None:
    with suppress(ConnectionError):
        parent.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)
