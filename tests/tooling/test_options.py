"""The options of the suite, on a suite of four tests: what is left out, what is reduced, and a test that hangs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from devtools import main
from tests.tooling.pytest_runs import ROOT, run_pytest

SUITE = """
import pytest, time
from specs.harness.counts import count
assert count("kills", 3, 70) in (3, 70)
@pytest.mark.parametrize("url", ["sqlite", "postgres"])
def test_kept(url): assert count("kills", 3, 70) == 3
@pytest.mark.slow
def test_hangs(): time.sleep(60)
def test_server(postgres_server): pass
"""


def suite(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "conftest.py", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "specs").mkdir(exist_ok=True)
    (folder / "specs" / "test_spec.py").write_text("def test_spec(): pass")
    (folder / "test_it.py").write_text(SUITE)
    return run_pytest(folder, *words)


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["0", "2"])
def test_quick_leaves_out_and_says_what(tmp_path: Path, processes: str) -> None:
    done = suite(tmp_path, "--quick", "--forks", processes)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "quick: left out 4 tests: 1 in specs/, 1 that are slow, 2 with Postgres" in done.stdout
    assert "reduced: examples of a property 10 of 1000; kills 3 of 70 (all with --soak)" in done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.slow
def test_a_test_that_hangs_fails_by_its_name(tmp_path: Path) -> None:
    done = suite(tmp_path, "-k", "hangs or kept", "--timeout", "1", "--forks", "2")
    assert done.returncode == 1
    assert "FAILED test_it.py::test_hangs - Failed: Timeout" in done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.parametrize(
    ("words", "alone"),
    [([], False), (["-k", "x", "tests"], False), (["tests/test_docs.py::test_x"], True), (["--forks=1"], True)]
    + [([word], True) for word in ("--pdb", "-s", "--collect-only")],
)
def test_several_processes_unless_one_is_wanted(words: list[str], alone: bool) -> None:
    assert (main._workers(words) == []) is alone
