"""`./dev test --python 3.13`: which interpreters are found, and where their packages go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devtools import environment, interpreters
from devtools.environment import SetupError

NO_VERSION = "9.8"


def program(path: Path, says: str, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "shims"), str(tmp_path / "bin"), "/usr/bin", "/bin"]))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(environment, "UV", tmp_path / "uv")


def test_one_that_runs_is_found_behind_one_that_does_not(tmp_path: Path) -> None:
    program(tmp_path / "shims" / "python9.8", "9.8.1", code=127)
    assert interpreters.find("9.8") is None
    mine = program(tmp_path / "bin" / "python9.8", "9.8.1")
    assert interpreters.find("9.8") == interpreters.find("9.8.1") == mine
    assert interpreters.find("9.8.10") is None
    assert interpreters.find("9") is None


def test_those_of_pyenv_and_of_uv_are_found(tmp_path: Path) -> None:
    kept = program(tmp_path / "kept" / "python", "9.8.0")
    program(tmp_path / "uv", str(kept))
    assert interpreters.find("9.8") == kept
    program(tmp_path / "pyenv" / "versions" / "9.8.2" / "bin" / "python9.8", "9.8.2")
    newest = program(tmp_path / "pyenv" / "versions" / "9.8.3" / "bin" / "python9.8", "9.8.3")
    assert interpreters.find("9.8") == newest
    assert interpreters.find("9.8.0") == kept


@pytest.mark.parametrize("words", [["--python", "9.8", "-x"], ["--python=9.8", "-x"], ["-x", "--python", "9.8"]])
def test_it_goes_on_as_the_other_in_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    mine = program(tmp_path / "bin" / "python9.8", "9.8.1")
    began: list[object] = []
    variable = environment.VENV_VARIABLE
    monkeypatch.setattr(environment, "install_uv", lambda: began.append("uv"))
    monkeypatch.setattr(os, "execv", lambda path, argv: began.append((path, argv, os.environ.get(variable))))
    monkeypatch.setenv(variable, "")
    interpreters.switch(words)
    assert began == ["uv", (mine, [str(mine), str(environment.ROOT / "dev"), "test", *words], ".venv-9.8")]
    # There, it is what runs already.
    monkeypatch.setattr(environment, "VENV", environment.ROOT / ".venv-9.8")
    assert interpreters.switch(words) == ["-x"]


def test_without_the_word_nothing_changes() -> None:
    assert interpreters.switch(["-k", "python"]) == ["-k", "python"]


def test_one_that_is_not_there_is_refused() -> None:
    with pytest.raises(SetupError, match=r"There is no Python 9\.8") as raised:
        interpreters.switch(["--python", NO_VERSION])
    assert raised.value.code == environment.MANUAL
    with pytest.raises(SetupError, match="needs a version"):
        interpreters.switch(["--python"])
