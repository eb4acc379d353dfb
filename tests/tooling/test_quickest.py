"""Of which Python ./dev makes .venv: found, measured and kept."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from devtools import environment, quickest
from devtools.environment import Python

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
NAME = f"python{MINOR}"


def fake(folder: Path, seconds: float, version: str = f"{MINOR}.99", kind: str = "cpython", code: int = 0) -> Python:
    """A Python that says that it takes so many seconds."""
    path = folder / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    says = json.dumps([str(path), version, kind, seconds])
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return Python(str(path), version)


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Python:
    """The one that runs ./dev, on a machine that has no other."""
    running = fake(tmp_path / "running", 1.0, f"{MINOR}.98")
    tools = tmp_path / ".tools"
    tools.mkdir()
    monkeypatch.setattr(environment, "RUNNING", running)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "TOOLS", tools)
    monkeypatch.setattr(environment, "UV", tools / "uv")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "running"), str(tmp_path / "bin")]))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return running


@pytest.mark.parametrize(("seconds", "is_chosen"), [(0.84, True), (0.86, False), (1.2, False)])
def test_another_is_chosen_that_is_a_good_deal_quicker(
    tmp_path: Path, running: Python, capsys: pytest.CaptureFixture[str], seconds: float, is_chosen: bool
) -> None:
    other = fake(tmp_path / "bin", seconds)
    assert quickest.choose() == (other if is_chosen else running)
    said = capsys.readouterr().err
    assert said == (f"dev: {other.path} takes 84% of the time of {running.path}: .venv gets it\n" if is_chosen else "")


def test_the_quickest_of_path_and_pyenv_is_chosen(tmp_path: Path, running: Python) -> None:
    fake(tmp_path / "bin", 0.8)
    kept = fake(tmp_path / "pyenv" / "versions" / f"{MINOR}.97" / "bin", 0.6)
    assert quickest.choose() == kept


@pytest.mark.parametrize(
    "lacks",
    [{"code": 1}, {"version": "2.7.18"}, {"version": f"{MINOR}9.1"}, {"kind": "pypy"}],
)
def test_one_that_is_not_alike_is_left_alone(tmp_path: Path, running: Python, lacks: dict[str, str]) -> None:
    fake(tmp_path / "bin", 0.1, **lacks)  # type: ignore[arg-type]
    assert quickest.choose() == running


def test_without_an_own_time_nothing_is_compared(tmp_path: Path, running: Python) -> None:
    fake(tmp_path / "running", 1.0, code=1)
    fake(tmp_path / "bin", 0.1)
    assert quickest.choose() == running


def test_the_choice_stays_until_its_python_is_another(
    tmp_path: Path, running: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fake(tmp_path / "bin", 0.5)
    assert quickest.kept() is None
    assert quickest.choose() == quickest.kept() == other
    fake(tmp_path / "running", 0.1)  # what runs ./dev is not asked again
    assert quickest.kept() == other
    os.utime(other.path, (1, 1))  # an upgrade in place
    assert quickest.kept() is None
    quickest.choose()
    Path(other.path).unlink()
    fake(tmp_path / "pyenv" / "versions" / f"{MINOR}.97" / "bin", 0.5)
    monkeypatch.setattr(environment, "RUNNING", Python(running.path, f"{MINOR}.100"))
    assert quickest.kept() is None, "whoever else runs ./dev chooses for itself"


def test_one_that_is_gone_is_chosen_no_more(tmp_path: Path, running: Python) -> None:
    other = fake(tmp_path / "bin", 0.5)
    assert quickest.choose() == other
    Path(other.path).unlink()
    assert quickest.kept() is None
    assert quickest.choose() == quickest.kept() == running


def test_a_file_that_is_cut_off_is_no_choice(running: Python) -> None:
    (environment.TOOLS / "pythons.json").write_text("{")
    assert quickest.kept() is None
    assert quickest.choose() == quickest.kept() == running


def test_one_that_was_asked_for_is_not_exchanged(
    tmp_path: Path, running: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path / "bin", 0.1)
    monkeypatch.setattr(environment, "VENV", tmp_path / f".venv-{MINOR}")
    assert quickest.kept() == running


def test_the_environment_is_made_of_the_chosen_one(
    tmp_path: Path, running: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Python] = []
    monkeypatch.setattr(environment, "_install_uv", lambda: None)
    monkeypatch.setattr(environment, "_make_venv", made.append)
    monkeypatch.setattr(environment, "_install", lambda: (tmp_path / ".venv" / "bin").mkdir(parents=True))
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    other = fake(tmp_path / "bin", 0.5)
    environment.ensure_environment()
    environment.PYTHON.touch()
    environment.ensure_environment()
    assert made == [other]


def test_an_environment_of_another_python_is_made_anew(
    tmp_path: Path, running: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = environment.VENV / "bin"
    folder.mkdir(parents=True)
    (folder / "activate").write_text(f"VIRTUAL_ENV='{environment.VENV}'")
    (folder / "python").symlink_to(running.path)
    monkeypatch.setattr(environment, "PYTHON", folder / "python")
    (environment.VENV / "pyvenv.cfg").write_text(f"home = x\nversion_info = {MINOR}.98\n")
    same_version = fake(tmp_path / "bin", 0.5, running.version)
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(environment, "_uv", lambda what, *words: asked.append(words))
    environment._make_venv(running)
    assert asked == []
    environment._make_venv(same_version)
    assert same_version.path in asked.pop()
    environment._make_venv(Python(running.path, f"{MINOR}.99"))
    assert asked, "it has become another version"


def test_the_program_runs_here() -> None:
    ((python, seconds),) = quickest._measured(Path(sys.executable))
    assert python == environment.RUNNING
    assert 0 < seconds < 10
