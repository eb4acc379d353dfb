"""./dev mutants: try mutants of modules, and say which ones their tests do not notice."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from devtools.mutants.chosen import tests_of
from devtools.mutants.copies import Baseline, Copy, RedTests
from devtools.mutants.sample import Mutant, draw, equivalents, mutants

DOCUMENT = Path("docs/testing.md")
BASELINE_SECONDS = 1_800
UNREACHED = "no test reaches it"


@dataclass(slots=True)
class Tally:
    """What became of the mutants of one module."""

    path: str
    equivalent: int
    killed: int = 0
    timed_out: int = 0
    survivors: list[Mutant] = field(default_factory=list)

    @property
    def share(self) -> float:
        """How many in a hundred were noticed."""
        noticed = self.killed + self.timed_out
        return 100 * noticed / (noticed + len(self.survivors)) if noticed or self.survivors else 100

    def line(self) -> str:
        """A row of the summary."""
        tried = self.killed + self.timed_out + len(self.survivors)
        return (
            f"{self.path:32} {tried:6} {self.killed:7} {self.timed_out:9} {len(self.survivors):9}"
            f" {self.equivalent:11} {self.share:6.1f} %"
        )


HEADING = f"{'module':32} {'tried':>6} {'killed':>7} {'timed out':>9} {'survived':>9} {'equivalent':>11}"


def main(words: list[str]) -> int:
    asked = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copies are removed
    known = equivalents(DOCUMENT) if DOCUMENT.exists() else {}
    chosen: dict[str, list[Mutant]] = {}
    tallies: list[Tally] = []
    for path in map(_path, asked.modules):
        found = mutants(path, Path(path).read_text(), lambda shape: asked.only in shape.diff())
        chosen[path], apart = draw(found, set(known.get(path, {})), asked.number, asked.seed)
        tallies.append(Tally(path, len(apart)))
        if asked.list:
            for mutant in chosen[path]:
                print(_shown("", mutant))
    if asked.list:
        return 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
        copies: list[Copy] = []
        for tally in tallies:
            _try_all(asked, tally, chosen[tally.path], copies, folder, stack)
    print("\n".join(["", HEADING, *(tally.line() for tally in tallies)]))
    return int(any(tally.share < asked.least for tally in tallies))


def _try_all(
    asked: argparse.Namespace, tally: Tally, chosen: list[Mutant], copies: list[Copy], folder: Path, stack: ExitStack
) -> None:
    """Try the mutants of one module, each in the first copy that is free; the copies are made for the first module."""
    started = time.monotonic()
    tests = asked.tests or tests_of(Path(), tally.path)
    if not copies:
        copies.append(stack.enter_context(Copy(Path.cwd(), folder / "0")))
    source = Path(tally.path).read_text()
    try:
        baseline = copies[0].baseline(tally.path, tests, ["-k", asked.k] if asked.k else [], BASELINE_SECONDS)
    except RedTests as error:
        sys.exit(f"{error}\n{tally.path}: its tests have to pass before a mutant can fail them.")
    total = sum(baseline.seconds.values())
    print(f"── {tally.path}: {len(chosen)} mutants, {len(baseline.seconds)} tests of {total:.0f} s", flush=True)
    for copy in copies[1:]:
        copy.take_bytecode(copies[0])
    while len(copies) < asked.j:
        copies.append(stack.enter_context(Copy(copies[0].folder, folder / str(len(copies)))))
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)
    killers: Counter[str] = Counter()

    def attempt(mutant: Mutant) -> str | None:
        copy = free.get()
        try:
            order = within(asked.seconds, in_order(baseline, mutant, killers), baseline)
            return copy.first_failure(mutant, source, order, baseline, asked.patience) if order else UNREACHED
        finally:
            free.put(copy)

    with ThreadPoolExecutor(asked.j) as threads:
        doing: dict[Future[str | None], Mutant] = {threads.submit(attempt, each): each for each in chosen}
        try:
            for done in as_completed(doing):
                _count(tally, doing[done], done.result(), killers)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            stack.close()
            raise
    print(f"   {time.monotonic() - started:.0f} s", flush=True)


def in_order(baseline: Baseline, mutant: Mutant, killers: Counter[str]) -> list[str]:
    """The tests that reach a mutant: those that killed others first, then those of the fastest files."""
    reaching = baseline.reaching(mutant)
    files: Counter[str] = Counter()
    for name in reaching:
        files[name.partition("::")[0]] += baseline.seconds[name]  # type: ignore[assignment]
    return sorted(reaching, key=lambda name: (-killers[name], files[name.partition("::")[0]], baseline.seconds[name]))


def within(seconds: float, order: list[str], baseline: Baseline) -> list[str]:
    """The first ones of these tests, as many as take so long; one in any case."""
    taken = 0.0
    for number, name in enumerate(order):
        taken += baseline.seconds[name]
        if number and taken > seconds:
            return order[:number]
    return order


def _count(tally: Tally, mutant: Mutant, by: str | None, killers: Counter[str]) -> None:
    if by is None or by == UNREACHED:
        tally.survivors.append(mutant)
        print(_shown(f"SURVIVED {by or ''}".strip(), mutant), flush=True)
    elif by == "time-out":
        tally.timed_out += 1
        print(_shown("timed out", mutant), flush=True)
    else:
        tally.killed += 1
        killers[by] += 1
        print(f"killed {mutant.path}:{mutant.line} {mutant.edit.text!r:.60} by {by}", flush=True)


def _shown(what: str, mutant: Mutant) -> str:
    shape = mutant.shape
    return f"{what} {mutant.path}:{mutant.line}\n`{shape.where}`:\n```diff\n{shape.diff()}\n```".lstrip()


def _path(name: str) -> str:
    """The file of a module that is named by its path, with dots, or by its last part."""
    path = Path(name if name.endswith(".py") else name.replace(".", "/") + ".py")
    for each in (path, path.with_suffix("") / "__init__.py"):
        if each.is_file():
            return str(each)
    found = [str(each) for each in _modules() if each.stem == name or str(each) == f"app/{path}"]
    if len(found) != 1:
        sys.exit(f"{name}: " + (f"which of {', '.join(found)}?" if found else "there is no such module"))
    return found[0]


def _modules() -> Iterable[Path]:
    return (
        each for folder in ("app", "resolvers", "schema", "devtools") for each in sorted(Path(folder).rglob("*.py"))
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("./dev mutants", description=__doc__)
    parser.add_argument(
        "modules", metavar="MODULE", nargs="+", help="app/paging/keyset.py, app.paging.keyset or keyset"
    )
    parser.add_argument("-n", "--number", type=int, default=40, help="how many mutants of each module (40)")
    parser.add_argument("-j", type=int, default=2, help="how many at once (2)")
    parser.add_argument("-k", metavar="EXPRESSION", help="of the tests, only those (pytest's -k)")
    parser.add_argument("--seed", default="1", help="another draw")
    parser.add_argument("--tests", nargs="+", metavar="FILE", help="instead of the mirrored ones and direct importers")
    parser.add_argument("--only", metavar="TEXT", default="", help="of all mutants, only those with this in their diff")
    parser.add_argument("--least", type=float, default=95, help="the percentage that has to be noticed (95)")
    parser.add_argument("--seconds", type=float, default=60, help="of the tests that reach a mutant, so long (60)")
    parser.add_argument("--patience", type=float, default=10, help="beyond its usual time, a test has so long (10)")
    parser.add_argument("--list", action="store_true", help="show the mutants that are drawn, and try none")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
