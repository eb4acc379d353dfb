"""Other Pythons that this machine has: nothing is downloaded."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from devtools import environment
from devtools.environment import MANUAL, ROOT, SetupError


def find(version: str) -> Path | None:
    """The interpreter of a version, such as 3.13 or 3.12.1: on PATH, of pyenv, or of uv."""
    return next((path for path in candidates(version) if _is(path, version)), None)


def switch(words: list[str]) -> list[str]:
    """Go on as another interpreter, in an environment of its own, if the words ask for one; else the words."""
    version, rest = _asked(words)
    if version is None or environment.VENV.name == _venv(version):
        return rest
    path = find(version)
    if path is None:
        raise SetupError(f"There is no Python {version} on PATH, among pyenv's versions or uv's: install one.", MANUAL)
    environment.install_uv()  # this Python has pip, the other may not
    os.environ[environment.VENV_VARIABLE] = _venv(version)
    os.execv(path, [str(path), str(ROOT / "dev"), "test", *words])


def _asked(words: list[str]) -> tuple[str | None, list[str]]:
    for place, word in enumerate(words):
        if word == "--python":
            if place + 1 == len(words):
                raise SetupError("--python needs a version, such as 3.13", MANUAL)
            return words[place + 1], [*words[:place], *words[place + 2 :]]
        if word.startswith("--python="):
            return word.partition("=")[2], [*words[:place], *words[place + 1 :]]
    return None, words


def _venv(version: str) -> str:
    return f".venv-{version}"


def candidates(version: str) -> Iterator[Path]:
    """Where interpreters of a version may be; not all of them run."""
    minor = ".".join(version.split(".")[:2])
    for folder in os.get_exec_path():
        if found := shutil.which(f"python{minor}", path=folder):
            yield Path(found)
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(root.glob(f"versions/{version}*/bin/python{minor}"), reverse=True)
    if environment.UV.exists():
        words = [str(environment.UV), "python", "find", "--no-project", "--managed-python", version]
        done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})
        if done.returncode == 0:
            yield Path(done.stdout.strip())


def _is(path: Path, version: str) -> bool:
    """Whether it runs, which pyenv's stand-ins do not always, and is what was asked for."""
    program = "import platform; print(platform.python_version())"
    try:
        done = subprocess.run([path, "-I", "-c", program], capture_output=True, text=True)
    except OSError:
        return False
    return done.returncode == 0 and f"{done.stdout.strip()}.".startswith(f"{version}.")


if __name__ == "__main__":
    found = find(sys.argv[1])
    print(found or f"no Python {sys.argv[1]}")
    sys.exit(found is None)
