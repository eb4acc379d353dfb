"""./dev mutants: which mutations exist, which are drawn, which tests try them, and how it reports each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from devtools.mutants import chosen
from devtools.mutants.__main__ import in_order, within
from devtools.mutants.copies import Baseline
from devtools.mutants.edits import edits
from devtools.mutants.sample import Shape, draw, equivalents, mutants

ROOT = Path(__file__).parents[2]


def mutated(line: str) -> set[str]:
    """All that becomes of one statement in a function."""
    source = f"async def f():\n    {line}\n"
    return {each.of(source).removeprefix("async def f():\n    ").removesuffix("\n") for each in edits(source)}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("return a < b", {"return a <= b", "return a > b"}),
        ("return a >= b", {"return a > b", "return a <= b"}),
        ("return (a) is  not (b)", {"return (a) is (b)"}),
        ("return a not in b", {"return a in b"}),
        ("return a == b != c", {"return a != b != c", "return a == b == c"}),
        ("return min(a, b)", {"return max(a, b)"}),
        ("return a and b", {"return a or b", "return True and b", "return a and True"}),
        ("return (a or b)", {"return (a and b)", "return (False or b)", "return (a or False)"}),
        ("return not a", {"return a"}),
        ("return a if b else c", {"return a if True else c", "return a if False else c"}),
        ("while a: b", {"while False: b"}),
        ("return [a for a in b if c]", {"return [a for a in b if True]"}),
        ("return 1", {"return 2", "return 0"}),
        ("return True", {"return False"}),
        ("return a - b", {"return a + b"}),
        ("a += b", {"a -= b"}),
        ("return sorted(a)", {"return list(a)", "return sorted((a), reverse=True)"}),
        (
            "return sorted(a, key=b)",
            {"return list(a)", "return sorted((a), key=b, reverse=True)"},
        ),
        ("return sorted(a, reverse=True)", {"return list(a)", "return sorted(a, reverse=False)"}),
        ("a.sort()", {"pass", "a.sort(reverse=True)"}),
        ("return a[::-1]", {"return a[::1]"}),
        ("return a[:3]", {"return a[:4]", "return a[:2]"}),
        ("await lock(a)", {"pass"}),
        ("raise a", {"pass"}),
        ("return 'ä' + a[b < c]", {"return 'ä' + a[b <= c]", "return 'ä' + a[b > c]"}),
    ],
)
def test_mutations_of_a_statement(line: str, wanted: set[str]) -> None:
    assert mutated(line) == wanted


@pytest.mark.parametrize(
    "line",
    ["log.info('said', of=a)", "'''a < b'''", "from a import b", "a: list[1] = b", "return a[1]", "return a + 'text'"],
)
def test_what_says_nothing_of_behaviour_is_left_alone(line: str) -> None:
    assert mutated(line) == set()


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("SELECT 1 WHERE a < $1", {"SELECT 1 WHERE a <= $1", "SELECT 1 WHERE a > $1"}),
        (
            "DELETE FROM t WHERE a = $1 AND NOT b",
            {
                "DELETE FROM t WHERE a = $1",
                "DELETE FROM t WHERE a = $1 OR NOT b",
                "DELETE FROM t WHERE a = $1 AND b",
            },
        ),
        ("UPDATE t SET a = $1 WHERE b IS NULL", {"UPDATE t SET a = $1 WHERE b IS NOT NULL"}),
        (
            "SELECT a FROM t ORDER BY a, b LIMIT 3",
            {"SELECT a FROM t LIMIT 3", "SELECT a FROM t ORDER BY a, b DESC LIMIT 3"},
        ),
        ("SELECT a FROM t ORDER BY a DESC", {"SELECT a FROM t ORDER BY a ASC", "SELECT a FROM t"}),
        ("SELECT a FROM t FOR UPDATE SKIP LOCKED", {"SELECT a FROM t"}),
        ("SELECT max(a) FROM t", {"SELECT min(a) FROM t"}),
        ("UPDATE t SET a = a + 1", {"UPDATE t SET a = a - 1"}),
        ("no statement: a < b", set()),
    ],
)
def test_mutations_of_a_statement_of_sql(sql: str, wanted: set[str]) -> None:
    assert mutated(f'return "{sql}"') == {f'return "{each}"' for each in wanted}


def test_python_in_an_f_string_is_not_taken_for_sql() -> None:
    found = mutated('return f"SELECT a FROM t WHERE {b < c} AND d > {e}"')
    assert found == {
        'return f"SELECT a FROM t WHERE {b < c}"',
        'return f"SELECT a FROM t WHERE {b < c} OR d > {e}"',
        'return f"SELECT a FROM t WHERE {b < c} AND d >= {e}"',
        'return f"SELECT a FROM t WHERE {b < c} AND d < {e}"',
    }


def test_figures_with_a_name_are_not_changed_but_what_runs_at_import_is() -> None:
    source = "MOST = 5 * 2\nif a < b:\n    c = 3\nclass D:\n    e: int = 4\n"
    found = {(each.of(source).replace(source, ""), each.where, each.lines) for each in edits(source)}
    assert {lines for _, _, lines in found} == {None}
    assert not any("MOST = 5 * 2" not in text for text, _, _ in found)
    assert any("e: int = 5" in text and where == "D" for text, where, _ in found)
    assert any("if a <= b" in text for text, _, _ in found)


def test_an_edit_knows_its_function_and_the_lines_of_its_statement() -> None:
    source = (
        "class A:\n    def f(self):\n        if (\n            a\n            < b\n        ):\n            return 1\n"
    )
    found = {(each.text, each.where, each.lines) for each in edits(source)}
    assert ("<=", "A.f", (3, 6)) in found
    assert ("2", "A.f", (7, 7)) in found


MODULE = "def f(a, b):\n    return a < b and a != 3\n\n\ndef g(a):\n    return a + 1\n"


def shapes(drawn: list[object]) -> set[Shape]:
    return {each.shape for each in drawn}  # type: ignore[attr-defined]


def test_the_draw_is_seeded_and_stays_when_lines_move() -> None:
    first = mutants("app/a.py", MODULE)
    moved = mutants("app/b/c.py", f'"""Moved."""\n\n{MODULE}')
    here, there = (draw(found, set(), 4, "1")[0] for found in (first, moved))
    assert len(here) == 4
    assert shapes([*here]) == shapes([*there])
    assert {mutant.line for mutant in here} != {mutant.line for mutant in there}
    assert [each.edit.start for each in here] == sorted(each.edit.start for each in here)
    others = [shapes([*draw(first, set(), 4, seed)[0]]) for seed in "23456"]
    assert any(each != shapes([*here]) for each in others)
    assert len(draw(first, set(), 1000, "1")[0]) == len(first)


def test_equivalent_ones_are_apart_and_others_are_drawn_instead(tmp_path: Path) -> None:
    document = tmp_path / "testing.md"
    document.write_text(
        "# Testing\n\n```diff\n- elsewhere\n```\n\n## Mutants\n\nNot this.\n\n### `app/a.py`\n\nNor this.\n\n"
        "`f`: why these two\ndo not matter.\n\n"
        "```diff\n- return a < b and a != 3\n+ return a <= b and a != 3\n- return a < b and a != 3\n"
        "+ return a < b or a != 3\n```\n\n### `app/b.py`\n\n`(module)`: why.\n\n"
        "```diff\n- A = b < c\n+ A = b <= c\n```\n"
    )
    listed = equivalents(document)
    assert listed["app/b.py"] == {Shape("(module)", ("A = b < c",), ("A = b <= c",)): "why."}
    assert set(listed["app/a.py"].values()) == {"why these two do not matter."}
    found = mutants("app/a.py", MODULE)
    tried, apart = draw(found, set(listed["app/a.py"]), len(found), "1")
    assert shapes([*apart]) == set(listed["app/a.py"])
    assert len(tried) == len(found) - 2
    assert shapes([*draw(found, shapes([*tried]), 2, "1")[0]]) == shapes([*apart])


def test_an_equivalent_mutant_needs_a_reason(tmp_path: Path) -> None:
    document = tmp_path / "testing.md"
    document.write_text("### `app/a.py`\n\n`f`: \n\n```diff\n- a\n+ b\n```\n")
    with pytest.raises(ValueError, match=r"app/a.py: no function and reason"):
        equivalents(document)


def test_the_equivalent_mutants_of_the_documents_are_still_mutants() -> None:
    for path, listed in equivalents(ROOT / "docs" / "testing.md").items():
        gone = set(listed) - shapes([*mutants(path, (ROOT / path).read_text(), listed.__contains__)])
        assert not gone, f"{path} has changed: look at the entries of docs/testing.md again\n" + "\n\n".join(
            each.diff() for each in gone
        )


def test_the_tests_of_a_module_are_the_mirrored_ones_and_who_imports_it(tmp_path: Path) -> None:
    for name, text in {
        "tests/app/live/test_feed.py": "",
        "tests/app/live/test_feed_faults.py": "",
        "tests/app/live/test_queue.py": "import app.live.queue",
        "tests/app/site.py": "from app.live.feed import Feed",
        "tests/app/test_other.py": "from app.live import feed",
        "tests/app/test_with_site.py": "from tests.app.site import Site",
        "tests/app/test_nothing.py": "from app.live import queue",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert chosen.tests_of(tmp_path, "app/live/feed.py") == [
        "tests/app/live/test_feed.py",
        "tests/app/live/test_feed_faults.py",
        "tests/app/test_other.py",
        "tests/app/test_with_site.py",
    ]


def test_killers_come_first_then_the_fastest_files() -> None:
    lines = {"slow::a": {2}, "slow::b": {2, 3}, "fast::a": {2}, "fast::b": {9}}
    baseline = Baseline("app/a.py", {"slow::a": 1, "slow::b": 5, "fast::a": 2, "fast::b": 1}, lines, [])
    mutant = next(each for each in mutants("app/a.py", MODULE) if each.line == 2)
    assert in_order(baseline, mutant, Counter()) == ["fast::a", "slow::a", "slow::b"]
    order = in_order(baseline, mutant, Counter({"slow::b": 2, "slow::a": 1}))
    assert order == ["slow::b", "slow::a", "fast::a"]
    assert within(6, order, baseline) == ["slow::b", "slow::a"]
    assert within(1, order, baseline) == ["slow::b"]


PROJECT = {
    "app/__init__.py": "",
    "app/bounds.py": (
        "def takes(a):\n    return a <= 9\n\n\n"
        "def wait(a):\n    while a > 0:\n        a -= 1\n    return a\n\n\n"
        "def least(a, b):\n    return a if a < b else b\n\n\n"
        "def unseen(a):\n    return not a\n"
    ),
    "tests/__init__.py": "",
    "tests/app/__init__.py": "",
    "tests/app/test_bounds.py": (
        "from app import bounds\n\n\n"
        "def test_takes():\n    assert [n for n in range(12) if bounds.takes(n)] == [*range(10)]\n\n\n"
        "def test_wait():\n    assert bounds.wait(4) <= 0\n\n\n"
        "def test_least():\n    assert bounds.least(3, 4) == bounds.least(4, 3) == 3\n"
    ),
    "docs/testing.md": (
        "### `app/bounds.py`\n\n`least`: of two equal ones, one is the other.\n\n"
        "```diff\n- return a if a < b else b\n+ return a if a <= b else b\n```\n"
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def try_mutants(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "devtools.mutants", "app.bounds", "-n", "99", "--patience", "0.5", *words],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_survivors_are_shown_and_the_tree_stays_as_it_is(project: Path) -> None:
    done = try_mutants(project)
    assert done.returncode == 1, done.stdout + done.stderr
    survivors = {part.split("```")[1] for part in done.stdout.split("SURVIVED")[1:]}
    assert survivors == {
        "diff\n- a -= 1\n+ a -= 2\n",  # the test is content with less than nothing
        "diff\n- while a > 0:\n+ while a >= 0:\n",
        "diff\n- while a > 0:\n+ while a > -1:\n",
        "diff\n- return not a\n+ return a\n",
    }
    assert "SURVIVED no test reaches it app/bounds.py:16\n`unseen`:" in done.stdout
    assert "killed app/bounds.py:2 '<' by tests/app/test_bounds.py::test_takes" in done.stdout
    assert "timed out app/bounds.py:7\n`wait`:\n```diff\n- a -= 1\n+ a += 1\n" in done.stdout
    row = next(line.split() for line in done.stdout.splitlines() if line.startswith("app/bounds.py "))
    tried, killed, timed_out, survived, equivalent = map(int, row[1:6])
    assert (tried, equivalent) == (killed + timed_out + survived, 1)
    assert (tried, survived) == (16, 4)
    assert {name: (project / name).read_text() for name in PROJECT} == PROJECT
    assert not list(project.rglob("__pycache__"))


@pytest.mark.slow
def test_tests_that_fail_without_a_mutant_prove_nothing(project: Path) -> None:
    (project / "tests/app/test_bounds.py").write_text(
        "from app import bounds\n\ndef test_it():\n    assert bounds.takes(10)\n"
    )
    done = try_mutants(project)
    assert done.returncode == 1
    assert "its tests have to pass before a mutant can fail them" in done.stderr
    assert "killed" not in done.stdout
