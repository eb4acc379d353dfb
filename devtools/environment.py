"""The environment that every chore needs: uv in .tools, the locked packages and the project itself in .venv.

A stamp in .venv says for which files, Python and place it was made. While it is valid, set-up costs a few milliseconds.
devtools/quickest.py says which Python that is.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# Another Python than the one that is everybody's has an environment of its own: see devtools/interpreters.py.
VENV_VARIABLE = "RUNWATCH_DEV_VENV"
EVERYBODYS = ".venv"
VENV = ROOT / os.environ.pop(VENV_VARIABLE, EVERYBODYS)
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
CLIENT = ROOT / "client"  # a separate distribution

UV_VERSION = "0.13.9"
TOOLS = ROOT / ".tools"
UV = TOOLS / f"uv-{UV_VERSION}" / "bin" / "uv"

# Inside an activated .venv, python3 is that .venv's own: it has no pip and cannot rebuild itself.
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)

MANUAL, FAILED = 2, 1


class Python(NamedTuple):
    """An interpreter, and its `sys.version`."""

    path: str
    version: str


RUNNING = Python(BASE_PYTHON, sys.version)


class SetupError(Exception):
    """A message for the developer, and the code to exit with."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def ensure_environment() -> None:
    """Install what is missing or out of date; two at once wait for each other."""
    from devtools import quickest  # here: Dockerfile has this module for the page alone, and none of other Pythons

    if _is_current(quickest.kept()):
        return
    with _exclusive():
        python = quickest.kept()
        if not _is_current(python):
            _install_uv()
            python = python or quickest.choose()
            _make_venv(python)
            _install()
            _stamp_file().write_text(_stamp(python))


def _install_uv() -> None:
    if UV.exists():
        return
    if subprocess.run([BASE_PYTHON, "-c", "import pip"], capture_output=True).returncode:
        raise SetupError(
            f"{BASE_PYTHON} has no pip, which ./dev needs once, to install uv.\n"
            "Install it (Debian, Ubuntu: apt install python3-pip; Fedora: dnf install python3-pip) and run this again.",
            MANUAL,
        )
    # pip --target works where `python3 -m venv` does not: Debian's Python comes without ensurepip.
    draft = TOOLS / f"draft-{os.getpid()}"
    _step(
        f"installing uv {UV_VERSION} into .tools",
        [BASE_PYTHON, "-m", "pip", "install", "--quiet", "--target", draft, f"uv=={UV_VERSION}"],
    )
    shutil.rmtree(UV.parents[1], ignore_errors=True)
    draft.rename(UV.parents[1])


def install_uv() -> None:
    """Have uv in .tools."""
    with _exclusive():
        _install_uv()


def run_uv(what: str, *words: str) -> None:
    """Run uv in the project's folder, which needs no environment."""
    with _exclusive():
        _install_uv()
        _uv(what, *words)


def _uv(what: str, *words: str | Path) -> None:
    _step(what, [UV, *words])


def _make_venv(python: Python) -> None:
    if not _is_usable(python):
        _uv(f"making {VENV.name}", "venv", "--clear", "--no-project", "--python", python.path, VENV)


def _install() -> None:
    # Where Python may write no bytecode, it would compile every package anew in each process: 0.8 s of CPU a command.
    compiled = ["--compile-bytecode"] if os.environ.get("PYTHONDONTWRITEBYTECODE") else []
    words = ("--require-hashes", "--no-build", *compiled)
    _uv("installing the locked packages", "pip", "sync", "--python", PYTHON, *words, LOCK)
    # Its build backend is among the locked packages, so that the build fetches nothing unpinned.
    _uv(
        "installing Runwatch and its client, editable",
        *("pip", "install", "--python", PYTHON, "--no-deps", "--no-build-isolation", "--offline"),
        *("-e", ROOT, "-e", CLIENT),
    )


def _is_usable(python: Python) -> bool:
    """Whether .venv was made here, not copied (its scripts name its folder), and by this Python in this version."""
    try:
        made_here = f"'{VENV}'" in (VENV / "bin" / "activate").read_text()
        version = f"version_info = {python.version.split()[0].rstrip('+')}\n"
        same_python = PYTHON.resolve(strict=True) == Path(python.path).resolve()
        return made_here and same_python and version in (VENV / "pyvenv.cfg").read_text()
    except FileNotFoundError:
        return False


def _is_current(python: Python | None) -> bool:
    try:
        return python is not None and _stamp_file().read_text() == _stamp(python) and PYTHON.exists()
    except FileNotFoundError:
        return False


def _stamp_file() -> Path:
    return VENV / ".runwatch-stamp"


def _stamp(python: Python) -> str:
    files = (LOCK, PROJECT, CLIENT / "pyproject.toml")
    content = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return f"{content}\n{python.version}\n{VENV}\nuv {UV_VERSION}\n"


@contextmanager
def _exclusive() -> Iterator[None]:
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another ./dev to set up")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _step(what: str, words: list[str | Path]) -> None:
    """Run one step and report it in one line. Shows its output only when it fails."""
    started = time.monotonic()
    say(f"{what} …", end=" ")
    # Only the Python that runs us; only our virtual environment.
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    environment |= {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    done = subprocess.run(
        words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    print("failed" if done.returncode else f"{time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
    if done.returncode:
        raise SetupError(done.stdout.decode(errors="replace"))


def say(line: str, end: str = "\n") -> None:
    """Say in a line what the set-up does."""
    print(f"dev: {line}", end=end, file=sys.stderr, flush=True)
