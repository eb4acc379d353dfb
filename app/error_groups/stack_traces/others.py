"""Stack traces of Go, Ruby, PHP and Rust."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from app.error_groups.stack_traces.frame import Frame, Language, Raised, line_number

_GO_ROUTINE = re.compile(r"goroutine \d+ \[")
_GO_PLACE = re.compile(r"\s++(\S.*\.(?:go|s)):(\d++)(?: \+0x[0-9a-f]++)?\s*+")
_GO_ARGUMENTS = re.compile(r"\([^()]*+\)$")
_GO_LIBRARY = re.compile(
    r"@v\d|/vendor/|/go(?:[-/]?\d[^/]*+)?(?:/x64|/libexec)?/src/[^/.]+/"
    r"|^(?:runtime|net|testing|reflect|sync|database/sql|encoding|fmt|io|os|internal)/"
)

_RUBY = re.compile(r"\s*+(\d++: )?(?:from )?(\S.*?):(\d++):in [`']([^']++)'(?:: (.++))?")
_RUBY_LIBRARY = re.compile(r"/gems/|/ruby/\d|^<internal:")

_PHP_PLACE = re.compile(r"(\S.*):(\d++)")
_PHP_CALL = re.compile(r"#\d++ (?:(?:(\S.*?)\((\d++)\)|(\[internal function\])): (.++)|(\{main\}))")
_PHP_NAME = re.compile(r"(?:[^({]++|\{[^{}]*+\}|\{)*+")  # PHP 8.4 names closures {closure:place():12}
_PHP_LIBRARY = re.compile(r"/vendor/|^\[internal function\]$")

_RUST_START = re.compile(r"thread '.*' (?:\(\d++\) )?panicked at |[Ss]tack backtrace:$")
_RUST_PANIC = re.compile(r"thread '.*' (?:\(\d++\) )?panicked at (?:'(.*)', )?([^\s':,][^:]*+):(\d++):\d++:?\s*+")
_RUST_FRAME = re.compile(r"\s*+\d++: (?:0x[0-9a-f]++ - )?(\S.*+)")
_RUST_PLACE = re.compile(r"\s++at (\S.*?):(\d++)(?::\d++)?\s*+")
_RUST_LIBRARY = re.compile(r"<?(?:std|core|alloc|tokio|rayon|anyhow)::|rust_begin_unwind|_*+rust|_*+libc_|_start$")
_RUST_LIBRARY_FILE = re.compile(r"^/rustc/|/\.cargo/|/rustlib/")


def _read_go(lines: Iterable[str]) -> Iterator[Raised]:
    """The first goroutine's: the one that panicked."""
    raised, before = Raised(), ""
    for line in lines:
        if match := _GO_PLACE.fullmatch(line):
            function = before.strip().removeprefix("created by ").partition(" in goroutine ")[0]
            name = _GO_ARGUMENTS.sub("", function) or None
            library = _GO_LIBRARY.search(match[1]) is not None
            raised.items.append(Frame(match[1], line_number(match[2]), name, None, library))
        elif raised.items and _GO_ROUTINE.match(line):
            break
        before = line
    yield raised


def _read_ruby(lines: Iterable[str]) -> Iterator[Raised]:
    """The error, then its causes. Frames with numbers begin with the outermost."""
    current, numbered = Raised(), False
    for line in lines:
        match = _RUBY.match(line)
        if match is None:
            continue
        number, file, line_of, function, says = match.groups()
        if says and current.items and not numbered:
            yield current
            current = Raised(says.rstrip())
        numbered = numbered or number is not None
        library = _RUBY_LIBRARY.search(file) is not None
        current.items.append(Frame(file, line_number(line_of), function, None, library))
    if numbered:
        current.items.reverse()
    yield current


@dataclass(slots=True)
class _Thrown:
    """An error of PHP: where it was thrown, and the calls that led there, each with the place that it was made at."""

    says: str | None = None
    places: list[tuple[str, str | None]] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)

    def raised(self) -> Raised:
        """A frame is a place, and the function that it is in: the one that the call before it called."""
        functions = [*self.functions, *[None] * len(self.places)]
        return Raised(
            self.says,
            [
                Frame(file, line_number(line), function, None, _PHP_LIBRARY.search(file) is not None)
                for (file, line), function in zip(self.places, functions, strict=False)
            ],
        )


def _read_php(lines: Iterable[str]) -> Iterator[Raised]:
    """The innermost cause first."""
    current = _Thrown()
    for line in lines:
        if match := _PHP_CALL.match(line):
            file, line_of, internal, function, main = match.groups()
            if not current.places:
                current.places.append(("", None))  # where it was thrown is not known
            current.functions.append(main or _PHP_NAME.match(function)[0])  # type: ignore[index]  # matches anything
            if not main:
                current.places.append((file or internal, line_of))
            continue
        says, _, place = line.strip().rpartition(" in ")
        if says and (match := _PHP_PLACE.fullmatch(place)):
            if current.functions:
                yield current.raised()
                current = _Thrown()
            current.says = says.rpartition("Uncaught ")[2].removeprefix("Next ")
            current.places = [(match[1], match[2])]
    yield current.raised()


def _read_rust(lines: Iterable[str]) -> Iterator[Raised]:
    """What follows "stack backtrace:"; causes, which anyhow numbers alike, stand before it. Else where it panicked."""
    raised, begun = Raised(), False
    panic: re.Match[str] | None = None
    for line in lines:
        if not begun:
            begun = line.strip().lower() == "stack backtrace:"
            if begun:
                continue
            if match := _RUST_PANIC.fullmatch(line):
                panic, raised.says = match, match[1]
            elif panic and not raised.says:  # since Rust 1.73 the message follows
                raised.says = line.strip()
        elif match := _RUST_PLACE.fullmatch(line):
            last = raised.items[-1] if raised.items else None
            if isinstance(last, Frame) and not last.file:
                library = last.library or _RUST_LIBRARY_FILE.search(match[1]) is not None
                raised.items[-1] = replace(last, file=match[1], line=line_number(match[2]), library=library)
        elif match := _RUST_FRAME.fullmatch(line):
            name = match[1].rstrip()
            raised.items.append(Frame("", None, name, None, _RUST_LIBRARY.match(name) is not None))
    if panic and not raised.items:
        raised.items.append(Frame(panic[2], line_number(panic[3])))
    yield raised


def _tells_go(line: str) -> bool:
    return _GO_ROUTINE.match(line) is not None or _GO_PLACE.fullmatch(line) is not None


GO = Language("Go", _tells_go, _read_go, hints=("goroutine ", ".go:", ".s:"))
RUBY = Language("Ruby", _RUBY.match, _read_ruby, hints=(":in `", ":in '"))
PHP = Language("PHP", _PHP_CALL.match, _read_php, lambda raised: raised[::-1], ("#",))
RUST = Language("Rust", _RUST_START.match, _read_rust, hints=("panicked at ", "tack backtrace:"))
