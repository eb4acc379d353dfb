"""A command that was forked is, to who looks at it, the command that is installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from specs.harness import commands
from specs.harness.servers import free_port
from specs.harness.waiting import soon
from specs.harness.worker_processes import is_alive

ROOT = Path(__file__).parents[3]
# What tells of itself, on both streams, and ends as its arguments say.
PROGRAM = """
    import atexit, os, signal, sys, threading, time
    def main():
        said = os.getcwd(), os.environ.get("WORD"), sys.argv[1:], sys.stdin.read(), len(os.listdir("/proc/self/fd"))
        print(*said, flush=True)
        print("trouble", file=sys.stderr)
        atexit.register(print, "at exit")
        threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
        exec(sys.argv[1])
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("data")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNWATCH_")}
    return {**kept, "RUNWATCH_DATA_DIR": str(folder), "COLUMNS": "70"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["token", "create", "--role", "king", "--name", "x"],
        ["serve", "--port", "no"],
    ],
    ids=" ".join,
)
def test_it_says_and_returns_the_same(words: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [commands.RUNWATCH, *words], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    forked = commands.run(words, environment=environment, folder=tmp_path)
    assert (forked.returncode, forked.stdout, forked.stderr) == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('a reason')", 1),
        ("1 / 0", 1),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -signal.SIGINT),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", -signal.SIGTERM),
        ("os._exit(4)", 4),
    ],
)
def test_it_ends_the_same(statement: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text(textwrap.dedent(PROGRAM))
    environment = {"PYTHONPATH": str(tmp_path), "WORD": "yes"}
    with (tmp_path / "input").open("w+") as given:
        given.write("given")
        given.flush()
        said = []
        for number in range(2):
            given.seek(0)
            with (tmp_path / f"out-{number}").open("w+") as output, (tmp_path / f"err-{number}").open("w+") as log:
                if number:
                    process: commands.Command = commands.zygote().fork(
                        ["told", statement],
                        entry="told:main",
                        environment=environment,
                        folder=tmp_path,
                        stdin=given.fileno(),
                        stdout=output.fileno(),
                        stderr=log.fileno(),
                    )
                else:
                    real = [sys.executable, "-P", "-c", "import sys, told; sys.exit(told.main())", statement]
                    process = subprocess.Popen(
                        real, env=environment, cwd=tmp_path, stdin=given, stdout=output, stderr=log
                    )
                assert process.wait(20) == code
                output.seek(0)
                log.seek(0)
                # The frames above the program are others.
                said.append((output.read(), log.read().partition("Traceback")[0]))
    assert said[0] == said[1]
    assert "yes" in said[0][0]


def test_a_server_takes_signals(environment: dict[str, str], tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        words = ["serve", "--port", str(free_port())]
        server = commands.start(words, environment=environment, folder=tmp_path, stdout=log, stderr=log)
        soon(lambda: (tmp_path / "log").read_text())
        assert server.poll() is None
        assert is_alive(server.pid)
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait(0.01)
        server.kill()
        assert server.wait(10) == -signal.SIGKILL
        assert server.poll() == -signal.SIGKILL
        server.terminate()  # nobody is there


def test_nothing_outlives_the_tests(environment: dict[str, str], tmp_path: Path) -> None:
    program = f"""
        import os, sys, time
        from pathlib import Path
        from specs.harness import commands
        with open({str(tmp_path / "log")!r}, "w") as log:
            words = ["serve", "--port", {str(free_port())!r}]
            server = commands.start(words, environment=dict(os.environ), folder=Path(), stdout=log, stderr=log)
        print(server.pid, *[each._process.pid for each in commands._zygotes.values()], flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        pids = [int(word) for word in run.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(is_alive, pids))
        run.kill()
    soon(lambda: not any(map(is_alive, pids)))
