"""./dev: its commands say what they do, and its own checks catch what they should."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devtools import check, environment, lock, main, paths, quickest

ROOT = Path(__file__).parents[2]

PROJECT = """
[project]
dependencies = ["uvicorn>=0.54", "Typing_Extensions>4"]
[dependency-groups]
dev = ["httpx[http2]>=0.28; python_version >= '3.11'"]
[build-system]
requires = ["hatchling"]
"""
LOCKED = """
hatchling==1.33.0 \\
    --hash=sha256:00
    # via runwatch (pyproject.toml:dev)
httpx==0.28.1 \\
    --hash=sha256:00
    # via
    #   runwatch (pyproject.toml:dev)
    #   other
typing-extensions==4.15.0 ; python_full_version < '3.13' \\
    --hash=sha256:00
    # via runwatch (pyproject.toml)
uvicorn==0.54.0 \\
    --hash=sha256:00
    # via runwatch (pyproject.toml)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of ./dev that nothing is set up for."""
    shutil.copy(ROOT / "dev", tmp_path)
    shutil.copytree(ROOT / "devtools", tmp_path / "devtools", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def dev(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, checkout / "dev", *words], capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_help_names_every_command_and_sets_nothing_up(checkout: Path) -> None:
    overview = dev(checkout, "--help")
    assert overview.returncode == 0
    for name in main.COMMANDS:
        assert f"\n  {name} " in overview.stdout
        said = dev(checkout, name, "--help")
        assert said.returncode == 0
        assert said.stdout.startswith(f"./dev {name}: ")
    assert not (checkout / ".venv").exists()
    assert not (checkout / ".tools").exists()


def test_an_unknown_command_is_refused_with_a_hint(checkout: Path) -> None:
    said = dev(checkout, "tests")
    assert said.returncode == 2
    assert said.stderr == "./dev has no command 'tests'. Did you mean ./dev test?\n"


def test_a_python_without_pip_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "python3"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(environment, "BASE_PYTHON", str(bare))
    monkeypatch.setattr(environment, "TOOLS", tmp_path / ".tools")
    monkeypatch.setattr(environment, "UV", tmp_path / ".tools" / "uv" / "bin" / "uv")
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    with pytest.raises(environment.SetupError, match=r"has no pip[\s\S]*apt install python3-pip") as raised:
        environment.ensure_environment()
    assert raised.value.code == 2


def test_the_environment_is_renewed_when_the_lock_or_the_place_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(environment, "_install_uv", lambda: None)
    monkeypatch.setattr(environment, "_make_venv", lambda python: made.append("venv"))
    monkeypatch.setattr(environment, "_install", lambda: made.append("packages"))
    monkeypatch.setattr(quickest, "kept", lambda: environment.RUNNING)
    monkeypatch.setattr(environment, "TOOLS", tmp_path / ".tools")
    monkeypatch.setattr(environment, "LOCK", tmp_path / "requirements.lock")
    environment.LOCK.write_text("one")

    def ensure(venv: str) -> bool:
        monkeypatch.setattr(environment, "VENV", tmp_path / venv)
        made.clear()
        environment.ensure_environment()
        return bool(made)

    (tmp_path / ".venv").mkdir()
    assert ensure(".venv")
    assert not ensure(".venv")
    environment.LOCK.write_text("two")
    assert ensure(".venv")
    shutil.copytree(tmp_path / ".venv", tmp_path / "copied")
    assert ensure("copied")


def test_every_check_runs_and_the_summary_names_the_failed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    commands = {"good": "print('unheard')", "bad": "import sys; print('why'); sys.exit(3)", "last": ""}
    monkeypatch.setattr(check, "CHECKS", {name: [sys.executable, "-c", code] for name, code in commands.items()})
    assert check.run_checks([]) == 1
    said = capfd.readouterr().out
    assert "──── bad\nwhy\n" in said
    assert "unheard" not in said
    assert {line.split()[1]: line.split()[0] for line in said.splitlines()[-3:]} == {
        "good": "ok",
        "bad": "FAILED",
        "last": "ok",
    }
    assert check.run_checks(["good"]) == 0
    with pytest.raises(environment.SetupError, match="unknown: spelling"):
        check.run_checks(["spelling"])


def test_a_lock_in_step_has_no_problems() -> None:
    assert lock.problems(PROJECT, LOCKED) == []


@pytest.mark.parametrize(
    ("project", "locked", "problem"),
    [
        (PROJECT.replace("0.54", "0.55"), LOCKED, "uvicorn>=0.55 is locked at 0.54.0"),
        (PROJECT.replace('"uvicorn', '"rich", "uvicorn'), LOCKED, "rich is not locked"),
        (PROJECT.replace('"hatchling"', ""), LOCKED, "hatchling is locked but no longer needed"),
        (PROJECT, LOCKED + "--index-url https://packages.example/\n", "requirements.lock names a host"),
    ],
)
def test_a_lock_out_of_step_is_told_from_pyproject(project: str, locked: str, problem: str) -> None:
    (found,) = lock.problems(project, locked)
    assert found.startswith(problem)


def test_paths_of_this_machine_are_found_in_files_that_git_would_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "checkout"
    root.mkdir()
    subprocess.run(["git", "init", "--quiet", root], check=True)
    monkeypatch.chdir(root)
    home = Path("/", "home", "somebody")
    monkeypatch.setenv("HOME", str(home))
    (root / ".gitignore").write_text("ignored\n")
    (root / "ignored").write_text(f"{root}/file\n")
    (root / "fine").write_text("https://host.example/home/page, usr/home/x and /homes\n")
    assert paths.main() == 0
    (root / "told").write_text(f"see {root}/file\nand ~ is {home}\n")
    assert paths.main() == 1
    assert "told:1:" in (said := capfd.readouterr().out)
    assert "told:2:" in said


def test_benchmarks_are_listed_and_run_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main.bench([]) == 0
    assert capfd.readouterr().out == "No benchmarks yet.\n"
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "bench_list.py").write_text("import sys; print(sys.argv[1:])")
    assert main.bench([]) == 0
    assert "benchmarks/bench_list.py" in capfd.readouterr().out
    assert main.bench(["list", "--quick"]) == 0
    assert capfd.readouterr().out == "['--quick']\n"
    with pytest.raises(SystemExit, match="2"):
        main.bench(["missing"])


def test_without_demos_the_demo_is_dev_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main.demo([]) == 0
    assert "./dev run is the demo" in capfd.readouterr().out


def test_a_demo_runs_as_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "examples" / "engine"
    folder.mkdir(parents=True)
    (folder / "part.py").write_text("import sys\nWORDS = sys.argv[1:]")
    (folder / "__main__.py").write_text("from part import WORDS\nprint(WORDS)")
    assert main.demo([]) == 0
    assert "examples/engine/__main__.py" in capfd.readouterr().out

    def run(_: str, words: list[str]) -> None:
        raise SystemExit(subprocess.call(words))

    # In its place, so that Ctrl-C is the demo's: a child of ours would be killed in the middle of its cleaning up.
    monkeypatch.setattr(os, "execv", run)
    with pytest.raises(SystemExit, match="0"):
        main.demo(["engine", "--fix"])
    assert capfd.readouterr().out == "['--fix']\n"


def test_tests_may_keep_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bool] = []

    def become(_: str, words: list[str]) -> None:
        kept.append("PYTHONDONTWRITEBYTECODE" not in os.environ)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", become)
    for command in (main.test, main.specs):
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        with pytest.raises(SystemExit):
            command(["--quick"])
    assert kept == [True, True]
