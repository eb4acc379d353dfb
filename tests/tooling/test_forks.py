"""Tests in several processes: each runs once, with what it shares, and whatever happens to its process has a name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.tooling.pytest_runs import run_pytest

SHARED = """
import os, pytest
@pytest.fixture(scope="session", params=["a", "b"])
def server(request):
    print("server", request.param)
    with open("made", "a") as made:
        made.write(f"server {request.param}\\n")
    return os.getpid()
@pytest.fixture(scope="module")
def place(request):
    with open("made", "a") as made:
        made.write(f"place {request.path.stem}\\n")
@pytest.fixture(autouse=True)
def ran(request, tmp_path):
    yield
    with open("ran", "a") as ran:
        ran.write(f"{request.node.nodeid} {os.getpid()} {tmp_path.parent.name}\\n")
"""


def suite(folder: Path, *words: str, conftest: str = "", **files: str) -> subprocess.CompletedProcess[str]:
    """Run these files in two processes."""
    (folder / "conftest.py").write_text(f'pytest_plugins = ["devtools.forks"]\n{conftest}')
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\nmarkers = slow")
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    return run_pytest(folder, "-p", "no:asyncio", "--forks", "2", *words)


@pytest.mark.slow
def test_each_test_runs_once_where_what_it_shares_is(tmp_path: Path) -> None:
    servers = "def test_it(server): pass\ndef test_more(server): pass\n"
    places = "".join(f"def test_{number}(place): pass\n" for number in range(30))
    plain = "".join(f"def test_{number}(): print('said')\n" for number in range(50))
    done = suite(tmp_path, "-v", conftest=SHARED, one=servers, two=servers, three=places, four=plain)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "88 passed" in done.stdout
    ran = [line.split() for line in (tmp_path / "ran").read_text().splitlines()]
    assert len({test for test, _, _ in ran}) == len(ran) == 88
    assert len({process for _, process, _ in ran}) == len({folder for _, _, folder in ran}) == 2
    made = (tmp_path / "made").read_text().splitlines()
    assert set(made) == {"place test_three", "server a", "server b"}
    # A process that has nothing else left takes tests of a server that another has, too.
    assert made.count("place test_three") == 1
    assert len(made) <= 5
    assert "said" not in done.stdout + done.stderr


@pytest.mark.slow
def test_whatever_ends_a_process_fails_a_test_by_its_name(tmp_path: Path) -> None:
    dies = "import os\n" + "".join(f"def test_{number}(): assert {number} != 4 or os._exit(3)\n" for number in range(9))
    leaks = """
import socket
def test_it():
    circle = [socket.socket()]
    circle.append(circle)
"""
    done = suite(tmp_path, dies=dies, leaks=leaks, prints="def test_it():\n    print('said')\n    assert 0")
    assert done.returncode == 1
    assert "ended with 3 in this test" in done.stdout
    assert "FAILED test_dies.py::test_4" in done.stdout
    assert "FAILED test_prints.py::test_it - assert 0" in done.stdout
    assert "--- Captured stdout call ---" in done.stdout
    assert "unclosed <socket" in done.stdout + done.stderr
    assert "9 passed" in done.stdout, done.stdout


@pytest.mark.slow
def test_first_failure_ends_it_if_asked_to(tmp_path: Path) -> None:
    slow = "import time\n" + "".join(f"def test_{number}(): time.sleep(5)\n" for number in range(30))
    done = suite(tmp_path, "-x", fails="import pytest\n@pytest.mark.slow\ndef test_it(): assert 0", slow=slow)
    assert done.returncode == 1
    assert "stopping after 1 failures" in done.stdout
    assert "1 failed" in done.stdout
