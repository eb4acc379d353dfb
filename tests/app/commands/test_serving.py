"""The end of `runwatch serve`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specs.harness.servers import free_port
from specs.harness.waiting import soon

# A thread of a library that never ends, and for which Python waits.
PROGRAM = """
import sys, threading, time
from app.commands import serving
from runwatch import main

def waits_for_ever():
    time.sleep(600)

serving.LAST_SECONDS = 0.5
threading.Thread(target=waits_for_ever).start()
main()
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_thread_that_does_not_end_is_named_and_left(workers: int, tmp_path: Path) -> None:
    """Whatever it is: all that the server had to keep is kept by then."""
    environment = {**os.environ, "RUNWATCH_DATA_DIR": str(tmp_path / "data"), "RUNWATCH_WORKERS": str(workers)}
    log = tmp_path / "log"
    with log.open("wb") as output:
        words = [sys.executable, "-c", PROGRAM, "serve", "--port", str(free_port())]
        process = subprocess.Popen(words, env=environment, stdout=output, stderr=output)
    try:
        soon(lambda: "startup complete" in log.read_text(), why=log.read_text)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 1, log.read_text()
    finally:
        process.kill()
        process.wait()
    assert "shutdown complete" in log.read_text()
    assert "in waits_for_ever" in log.read_text()
