"""The commands of ./dev."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from devtools.environment import LOCK, PROJECT, PYTHON, ROOT, VENV, SetupError, ensure_environment, run_uv

Command = Callable[[list[str]], int]


def main(words: list[str]) -> NoReturn:
    os.chdir(ROOT)
    name, *rest = words or ["--help"]
    if name in {"-h", "--help", "help"}:
        print(_overview())
        sys.exit()
    if name not in COMMANDS:
        close = get_close_matches(name, COMMANDS, 1)
        hint = f"Did you mean ./dev {close[0]}?" if close else "./dev --help lists the commands."
        _fail(f"./dev has no command {name!r}. {hint}", 2)
    command = COMMANDS[name]
    if rest and rest[0] in {"-h", "--help"}:
        from inspect import cleandoc  # slow to import, and rarely needed

        print(f"./dev {name}: {cleandoc(command.__doc__ or '')}")
        sys.exit()
    try:
        if command is test:
            from devtools.interpreters import switch

            rest = switch(rest)
        if command is fix and rest[:1] == ["--lock"]:
            lock(rest[1:])  # first: a locked package may be what keeps the environment from being made
        ensure_environment()
        sys.exit(command(rest))
    except SetupError as error:
        _fail(str(error), error.code)
    except KeyboardInterrupt:
        sys.exit(130)


def run(words: list[str]) -> int:
    """serve for development, with sample runs and an example engine.

    The page is built beside it when it is missing or stale; --no-page leaves that out.
    Further arguments go to `runwatch serve --dev`: --port 8001, --host 0.0.0.0, …
    """
    if "--no-page" not in words:
        from devtools.page import Page

        page = Page()
        if not page.is_current():
            shutil.rmtree(page.dist, ignore_errors=True)  # the server would keep the old one in memory
            subprocess.Popen([PYTHON, "-m", "devtools.page"], stdin=subprocess.DEVNULL)
    _become("runwatch", "serve", "--dev", *(word for word in words if word != "--no-page"))


def link(words: list[str]) -> int:
    """print another link that signs in to the server of ./dev run, once and within 10 minutes.

    --host and --port where that server has others than 127.0.0.1 and 8000; --token NAME signs in with another token.
    """
    _become("runwatch", "sign-in-link", *words)


def page(words: list[str]) -> int:
    """build the page from dashboard/, if it has changed since; the server serves it after its next start."""
    return _build_page()


def test(words: list[str]) -> int:
    """run the tests and the specs on all cores, against a real Postgres and Valkey that it starts.

    --quick leaves out specs, Postgres and slow tests: 60 s.
    --changed runs the tests of what differs from main; --changed=REVISION from another revision.
    --soak gives property and fault tests their full counts; an ordinary run ends by saying what it reduced.
    --python 3.13 runs on another Python that the machine has, in an environment of its own.
    Further arguments go to pytest: -k NAME, -x, a file, … Set RUNWATCH_TEST_DATABASE_URL and RUNWATCH_TEST_REDIS_URL to
    use your own servers instead.
    """
    rest = [word for word in words if word.partition("=")[0] != "--changed"]
    if rest != words:
        from devtools.changed import words_of

        found = words_of(ROOT, (set(words) - set(rest)).pop().partition("=")[2] or None)
        if not found:
            print("Nothing that has tests differs.")
            return 0
        print(f"dev: {' '.join(found)}", file=sys.stderr, flush=True)
        rest = [*found, *rest]
    if _need_page(rest) and (failed := _page_for_tests()):
        return failed
    _run_pytest(*_workers(rest), *rest)


def specs(words: list[str]) -> int:
    """run only the specs: the promises, seen from outside.

    They start a server, or use the one at RUNWATCH_SPECS_URL. Further arguments go to pytest.
    """
    if _need_page(words or ["specs"]) and (failed := _page_for_tests()):
        return failed
    named = any(Path(word.partition("::")[0]).exists() for word in words if not word.startswith("-"))
    _run_pytest(*_workers(words), *([] if named else ["specs"]), *words)


def check(words: list[str]) -> int:
    """run every check except the tests, all of them even when one fails; name some to run only those.

    A summary with one line per check ends the output; the exit code is 1 if one failed.
    """
    from devtools.check import run_checks

    return run_checks(words)


def fix(words: list[str]) -> int:
    """apply ruff's fixes and formatting, and oxlint's where the page's packages are.

    --lock renews requirements.lock from pyproject.toml instead (over the network). It keeps versions that still fit.
    Further arguments go to uv: --upgrade, --upgrade-package NAME.
    """
    if words[:1] == ["--lock"]:
        return 0
    ruff = VENV / "bin" / "ruff"
    if not words:
        from devtools.page import Page

        if Page().has_packages():
            subprocess.call([PYTHON, "-m", "devtools.page_checks", "fix"])
    fixed = subprocess.call([ruff, "check", "--fix", *words])
    return subprocess.call([ruff, "format", *words]) or fixed


def lock(words: list[str]) -> None:
    # Not uv.lock, which writes the address of somebody's package index on every line.
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--group", "dev"]
    run_uv("locking", "pip", "compile", "--quiet", *options, *words, PROJECT.name, "-o", LOCK.name)


def bench(words: list[str]) -> int:
    """list the benchmarks, or run those that you name; options after the names go to each: --quick, …"""
    return _list_or_run("benchmarks", "bench_*.py", words, empty="No benchmarks yet.", several=True)


def mutants(words: list[str]) -> int:
    """change modules a little, one place at a time, and list the changes that their tests do not notice.

    MODULE… (app/paging/keyset.py, or keyset), -n 40, -j 2, --tests FILE…; --help after a module lists all options.
    docs/testing.md lists the mutants that no test can notice, with the reason.
    """
    _become(PYTHON.name, "-m", "devtools.mutants", *words)


def screenshots(words: list[str]) -> int:
    """take the pictures in docs/screenshots of the page with sample runs; needs Chromium."""
    if failed := _build_page():
        return failed
    _become(PYTHON.name, "-m", "devtools.screenshots", *words)


def schema(words: list[str]) -> int:
    """write schema.graphql from the code."""
    _become("runwatch", "export-schema", *words)


def migrate(words: list[str]) -> int:
    """bring the database to the newest schema. Further arguments go to `runwatch migrate`."""
    _become("runwatch", "migrate", *words)


def demo(words: list[str]) -> int:
    """list the demos, or run the one that you name: a folder of examples/ with a __main__.py."""
    return _list_or_run("examples", "*/__main__.py", words, empty="No separate demos: ./dev run is the demo.")


COMMANDS: dict[str, Command] = {
    command.__name__: command
    for command in (run, link, test, check, fix, specs, page, screenshots, bench, mutants, schema, migrate, demo)
}


def _build_page() -> int:
    """Build the page if it is stale; the exit code. By the Python of .venv, which has Node."""
    return subprocess.call([PYTHON, "-m", "devtools.page"])


def _page_for_tests() -> int:
    """Build the page; the exit code if there is only one of older sources, which tests must not take for it.

    Where there is none at all, the specs that need it fail, or say why they are left out.
    """
    failed = _build_page()
    return failed if failed and (ROOT / "dashboard" / "dist").exists() else 0


def _need_page(words: list[str]) -> bool:
    """Whether tests that these words choose load the page, or pack it into a wheel."""
    if "--quick" in words:
        return False
    named = [path for word in words if not word.startswith("-") and (path := Path(word.partition("::")[0])).exists()]
    files = (file for path in named or [Path("specs")] for file in (path.rglob("*.py") if path.is_dir() else [path]))
    return any(file.stem.endswith("_ui") or file.name in {"test_wheel.py", "test_page.py"} for file in files)


def _workers(words: list[str]) -> list[str]:
    """Options for pytest on several cores (devtools/forks.py).

    A named test, a debugger, live output, and --forks on the command line want what they say.
    """
    alone = {"-s", "--capture=no", "--pdb", "--trace", "--collect-only", "--co"}
    if any(word in alone or word.startswith("--forks") or "::" in word for word in words):
        return []
    return ["--forks", str(min(os.cpu_count() or 1, 8) + 2)]  # two more than there are cores, since tests also wait


def _run_pytest(*words: str) -> NoReturn:
    # Where Python may write no bytecode, every process of a run, and every server that it starts, compiles all modules
    # anew: 3 s of CPU each. __pycache__ is in .gitignore.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    _become("pytest", *words)


def _overview() -> str:
    lines = [f"  {name:12}{(command.__doc__ or '').splitlines()[0]}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "./dev COMMAND …: every chore of Runwatch. The first command installs what is missing, inside this folder.",
            "",
            *lines,
            "",
            "./dev COMMAND --help shows details.",
        ]
    )


def _list_or_run(folder: str, pattern: str, words: list[str], *, empty: str, several: bool = False) -> int:
    """Run modules of a folder by name, one after the other, or list them."""
    found = {
        (path.parent if path.name == "__main__.py" else path).stem.removeprefix("bench_"): path
        for path in sorted(Path(folder).glob(pattern))
    }
    names = [word for word in words if not word.startswith("-")] if several else words[:1]
    unknown = [name for name in names if name not in found]
    if unknown:
        _fail(f"{folder}/ has no {', '.join(unknown)}. {_listing(found) or empty}", 2)
    if not names:
        print(_listing(found) or empty)
        return 0
    rest = [word for word in words if word not in names]
    if not several:
        # Somebody may copy from a demo: it runs as a separate folder, not as a module of ours.
        _become(PYTHON.name, str(found[names[0]].parent), *rest)
    worst = 0
    for name in names:
        module = ".".join(found[name].with_suffix("").parts)
        worst = max(worst, abs(subprocess.call([PYTHON, "-m", module, *rest])))
    return worst


def _listing(found: dict[str, Path]) -> str:
    return "\n".join(f"  {name:20}{path}" for name, path in found.items())


def _become(program: str, *words: str) -> NoReturn:
    """Replace this process, so that signals and the exit code are the program's own."""
    path = VENV / "bin" / program
    os.execv(path, [str(path), *words])


def _fail(message: str, code: int) -> NoReturn:
    print(message.rstrip(), file=sys.stderr)
    sys.exit(code)
