"""No file of the project may name a path of the machine that it was written on: this folder, or somebody's home."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Every machine, or every container, has these: they reveal nothing, and are words of ours (GET /app).
COMMON = {"/", "/app", "/build", "/code", "/home", "/nonexistent", "/opt", "/repo", "/src", "/srv", "/usr", "/var"}


def private_paths(root: Path, home: Path) -> list[Path]:
    """The folders to look for."""
    common = {*map(Path, COMMON), Path(tempfile.gettempdir()).resolve()}
    return [path for path in dict.fromkeys([root, root.parent, home]) if path not in common]


def pattern(paths: list[Path]) -> str:
    """An extended regular expression of these paths, not as the end of a longer path or of a URL."""
    names = "|".join(re.escape(str(path)) for path in paths)
    return rf"(^|[^[:alnum:]_./-])({names}|/home/[a-z][a-z0-9_-]*|/Users/[A-Za-z]+)(/|[^[:alnum:]_-]|$)"


def main() -> int:
    root = Path.cwd().resolve()
    if subprocess.run(["git", "rev-parse"], cwd=root, capture_output=True).returncode:
        print("not a git checkout: nothing to check")
        return 0
    words = ["git", "grep", "--untracked", "-nIE", "-e", pattern(private_paths(root, Path.home().resolve()))]
    done = subprocess.run(words, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # git grep: 0 found, 1 found nothing, more: failed.
    print(done.stdout or "none")
    return 0 if done.returncode == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
