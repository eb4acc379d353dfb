"""The tests that tell most about a module: those at its mirrored path, and those that import it directly."""

from __future__ import annotations

import ast
from pathlib import Path


def tests_of(root: Path, module: str) -> list[str]:
    """The test files of a module, given by its path; the mirrored ones first."""
    path = Path(module)
    mirror = root / "tests" / path.parent
    stem = path.stem if path.stem != "__init__" else path.parent.name
    mirrored = sorted(
        each for folder in {mirror, mirror.parent if path.stem == "__init__" else mirror} if folder.is_dir()
        for pattern in (f"test_{stem}.py", f"test_{stem}_*.py") for each in folder.glob(pattern)
    )  # fmt: skip
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    imports = {each: imports_of(each) for each in sorted((root / "tests").rglob("*.py"))}
    # A helper of tests that imports it stands for the tests that import the helper.
    helpers = {name_of(root, each) for each, names in imports.items() if name in names and not _is_test(each)}
    direct = [each for each, names in imports.items() if _is_test(each) and names & {name, *helpers}]
    return [str(each.relative_to(root)) for each in dict.fromkeys([*mirrored, *direct])]


def _is_test(path: Path) -> bool:
    return path.name.startswith("test_")


def name_of(root: Path, path: Path) -> str:
    """The name under which a file is imported."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, and what it imports of them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update([node.module, *(f"{node.module}.{each.name}" for each in node.names)])
    return found
