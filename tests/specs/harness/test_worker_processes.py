"""Workers that specs stop."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from specs.harness.worker_processes import stopped

# Writes for a second, and says when it has begun; then it waits.
WRITES = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("writes", flush=True)
time.sleep(1)
connection.execute("COMMIT")
sys.stdin.read()
"""


def test_a_process_that_writes_is_not_stopped_before_it_has_written(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE x (y)")
    words = [sys.executable, "-c", WRITES, str(database)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"writes\n"
            with stopped(process.pid, database=database), closing(sqlite3.connect(database, timeout=0)) as connection:
                connection.execute("INSERT INTO x VALUES (1)")
        finally:
            process.kill()
