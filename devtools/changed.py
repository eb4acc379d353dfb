"""The tests of what git says has changed: those at the mirrored path, and those that import it directly."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from devtools.environment import SetupError
from devtools.mutants.chosen import imports_of, name_of, tests_of

# What everything depends on.
EVERYTHING = {"conftest.py", "pyproject.toml", "requirements.lock", "tests/conftest.py"}
DOCUMENTS = ["tests/test_docs.py"]


def words_of(root: Path, since: str | None) -> list[str]:
    """What pytest is to be told: files, or --quick where a change concerns everything; [] when nothing has changed."""
    changed = changed_files(root, since)
    if EVERYTHING & set(changed):
        return ["--quick"]
    return sorted({test for path in changed for test in _tests_of_file(root, path)})


def changed_files(root: Path, since: str | None) -> list[str]:
    """What differs from a revision, else from where this branch left main; and what git does not know yet."""
    base = since or _git(root, "merge-base", "HEAD", "main", allowed=1) or "HEAD"
    differing = _git(root, "diff", "--name-only", "--no-renames", base)
    return sorted({*differing.splitlines(), *_git(root, "ls-files", "--others", "--exclude-standard").splitlines()})


def _tests_of_file(root: Path, path: str) -> Iterable[str]:
    folder, suffix = path.partition("/")[0], Path(path).suffix
    if suffix != ".py":
        return DOCUMENTS if suffix in {".md", ".example"} else []
    if folder in {"tests", "specs"}:
        if not (root / path).exists():
            return []
        return [path] if Path(path).name.startswith("test_") else _of_helper(root, {name_of(root, root / path)})
    return tests_of(root, path) or _of_importers(root, path)


def _of_importers(root: Path, path: str) -> Iterable[str]:
    """A module that is only reached from outside: the tests of those that import it."""
    name = name_of(root, root / path)
    for other in sorted((root / Path(path).parts[0]).rglob("*.py")):
        if name in imports_of(other):
            yield from tests_of(root, str(other.relative_to(root)))


def _of_helper(root: Path, names: set[str]) -> Iterable[str]:
    """The tests and specs that import a helper, or a helper that does."""
    imports = {each: imports_of(each) for top in ("tests", "specs") for each in sorted((root / top).rglob("*.py"))}
    while more := {name_of(root, each) for each, found in imports.items() if found & names} - names:
        names = names | more
    return [name.replace(".", "/") + ".py" for name in names if name.rpartition(".")[2].startswith("test_")]


def _git(root: Path, *words: str, allowed: int = 0) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
    if done.returncode > allowed:
        raise SetupError(done.stderr)
    return done.stdout.strip()
