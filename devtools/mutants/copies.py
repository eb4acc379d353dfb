"""Copies of the working tree, in which mutants are tried: the tree itself stays as it is, whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from devtools.mutants.plugin import TIMED_OUT
from devtools.mutants.sample import Mutant

PLUGIN = "devtools.mutants.plugin"
# What a run and each of its tests may take: so much to begin with, and so often what it took without a mutation.
START_SECONDS, TIMES = 30, 4


class RedTests(Exception):
    """The tests fail without any mutation; their output."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the tests of a module do without a mutation: the seconds and the lines of each, and what they import."""

    path: str
    seconds: dict[str, float]
    lines: dict[str, set[int]]
    imported: list[str] = field(repr=False)

    def reaching(self, mutant: Mutant) -> list[str]:
        """The tests that reach a mutant's statement, in the order of their files; all, if it runs at import."""
        if mutant.edit.lines is None:
            return list(self.lines)
        first, last = mutant.edit.lines
        return [name for name, lines in self.lines.items() if not lines.isdisjoint(range(first, last + 1))]


class Copy:
    """One copy, and the warm process that runs tests in it."""

    def __init__(self, tree: Path, folder: Path) -> None:
        """Copy `tree`, the working tree or another copy, into a folder that is to be made."""
        self.folder = folder
        self._output, self._report = folder.with_suffix(".output"), folder.with_suffix(".report")
        if (tree / ".git").exists():
            _copy_files(tree, folder)
        else:
            shutil.copytree(tree, folder)
        # Before what is installed, editable: commands that tests start are the copy's own as well.
        path = [str(folder), str(folder / "client" / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._warm = subprocess.Popen(
            [sys.executable, "-m", "devtools.mutants.warm"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._warm.terminate()
        self._warm.communicate()

    def baseline(self, path: str, tests: list[str], words: list[str], seconds: float) -> Baseline:
        """Run the tests of a module as it is. RedTests when one fails, or when they do not import the module."""
        wanted = {"trace": str(self.folder / path), "report": str(self._report)}
        code = self._run([*tests, *words], wanted, seconds, [])
        if code != 0 or not self._report.exists():
            raise RedTests(self._output.read_text(errors="replace"))
        report = json.loads(self._report.read_text())
        if not any(test["lines"] for test in report["tests"].values()):
            raise RedTests(f"No test of {' '.join(tests)} reaches {path}.")
        return Baseline(
            path,
            {name: test["seconds"] for name, test in report["tests"].items()},
            {name: set(test["lines"]) for name, test in report["tests"].items()},
            report["imported"],
        )

    def first_failure(
        self, mutant: Mutant, source: str, order: list[str], baseline: Baseline, patience: float
    ) -> str | None:
        """The test that fails first with a mutant, "time-out", or None when none does."""
        files = list(dict.fromkeys(name.partition("::")[0] for name in order))
        limits = {name: patience + TIMES * baseline.seconds[name] for name in order}
        limit = START_SECONDS + sum(limits.values())
        with self._mutated(mutant, source):
            wanted = {"order": limits, "report": str(self._report)}
            code = self._run([*files, "-x"], wanted, limit, baseline.imported)
        if code == 0:
            return None
        if code in (None, TIMED_OUT):
            return "time-out"
        return self._report.read_text() if self._report.exists() else "collection"

    def take_bytecode(self, other: Copy) -> None:
        """What another copy has compiled: a run that compiles all of it takes twice as long."""
        for compiled in other.folder.rglob("*.pyc"):
            mine = self.folder / compiled.relative_to(other.folder)
            if not mine.exists():
                mine.parent.mkdir(exist_ok=True)
                shutil.copy2(compiled, mine)

    @contextmanager
    def _mutated(self, mutant: Mutant, source: str) -> Iterator[None]:
        file = self.folder / mutant.path
        # Compiled files are told apart by size and second: that of one mutant would be taken for the next.
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            compiled.unlink()
        file.write_text(mutant.edit.of(source))
        try:
            yield
        finally:
            file.write_text(source)

    def _run(self, words: list[str], wanted: dict[str, Any], seconds: float, imported: list[str]) -> int | None:
        self._report.unlink(missing_ok=True)
        temporary = self.folder.with_suffix(".tmp")
        options = ["-q", "-p", PLUGIN, "-p", "no:cacheprovider", f"--basetemp={temporary}"]
        environment = {"RUNWATCH_MUTANTS": json.dumps(wanted)}
        if "order" in wanted:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        job = {
            "words": [*words, *options, "-W", "ignore::pytest.PytestAssertRewriteWarning"],
            "environment": environment,
            "output": str(self._output),
            "seconds": seconds,
            "imported": imported,
        }
        assert self._warm.stdin
        assert self._warm.stdout
        self._warm.stdin.write(json.dumps(job) + "\n")
        self._warm.stdin.flush()
        code: int | None = json.loads(self._warm.stdout.readline())
        shutil.rmtree(temporary, ignore_errors=True)
        return code


def _copy_files(tree: Path, folder: Path) -> None:
    """What git has, and what it would take: neither environments nor what is ignored."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(words, cwd=tree, check=True, stdout=subprocess.PIPE, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (tree / name).is_file():  # not what was deleted
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tree / name, folder / name)
