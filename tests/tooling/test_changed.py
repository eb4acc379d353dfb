"""`./dev test --changed`: which tests concern what differs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devtools.changed import changed_files, words_of

TREE = {
    "conftest.py": "",
    "app/__init__.py": "",
    "app/clock.py": "",
    "app/live/__init__.py": "",
    "app/live/feed.py": "from app import clock",
    "app/live/inner.py": "",
    "app/live/outer.py": "from app.live import inner",
    "docs/live.md": "",
    "specs/harness/driver.py": "",
    "specs/test_start.py": "from specs.harness import driver",
    "tests/app/live/scene.py": "from specs.harness.driver import Server",
    "tests/app/live/test_feed.py": "from tests.app.live.scene import Scene",
    "tests/app/live/test_feed_bounds.py": "",
    "tests/app/live/test_outer.py": "",
    "tests/app/test_ids.py": "from app import clock, ids",
    "tests/test_docs.py": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path)
    return tmp_path


def git(root: Path, *words: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.com")
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "x")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("app/live/feed.py", ["tests/app/live/test_feed.py", "tests/app/live/test_feed_bounds.py"]),
        ("app/clock.py", ["tests/app/test_ids.py"]),
        ("app/live/inner.py", ["tests/app/live/test_outer.py"]),
        ("tests/app/live/test_outer.py", ["tests/app/live/test_outer.py"]),
        ("tests/app/live/scene.py", ["tests/app/live/test_feed.py"]),
        ("specs/harness/driver.py", ["specs/test_start.py", "tests/app/live/test_feed.py"]),
        ("docs/live.md", ["tests/test_docs.py"]),
        ("conftest.py", ["--quick"]),
        ("unknown.txt", []),
    ],
)
def test_what_a_change_concerns(root: Path, path: str, words: list[str]) -> None:
    (root / path).write_text("# changed")
    assert words_of(root, None) == words


def test_nothing_differs(root: Path) -> None:
    assert words_of(root, None) == []


def test_on_a_branch_what_its_commits_changed_is_in_it(root: Path) -> None:
    git(root, "switch", "--quiet", "--create", "branch")
    (root / "app/clock.py").write_text("# changed")
    commit(root)
    (root / "new.md").touch()
    (root / "tests/app/test_ids.py").unlink()
    assert changed_files(root, None) == ["app/clock.py", "new.md", "tests/app/test_ids.py"]
    assert changed_files(root, "HEAD") == ["new.md", "tests/app/test_ids.py"]
    fallback = ["tests/app/live/test_feed.py", "tests/app/live/test_feed_bounds.py"]  # of who imports the clock
    assert words_of(root, None) == [*fallback, "tests/test_docs.py"]
