"""Stack traces of Elixir, Perl and PowerShell, and Python's as rich draws them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from app.error_groups.stack_traces.frame import Frame, Language, Raised, line_number

_ELIXIR = re.compile(
    r"\s{2,}+(?:\(([a-z]\w*+)(?>(?: [\d.][^\s()]*+)?)\) )?([\w./@-]+\.(?:exs?|erl|eex|heex)):(\d++): (\S.*+)"
)
_ELIXIR_LIBRARY = re.compile(r":?(?:elixir|stdlib|kernel|mix|ex_unit|logger)$")
_ELIXIR_ERROR = re.compile(r"\s*+\*\* \((\S.*+)")

_PERL_DIED = re.compile(r".* at (\S++) line (\d++)(?:, <\w++> (?:line|chunk) \d++)?\.?")
_PERL_CALL = re.compile(r"\s++([\w:]++|eval \{\.\.\.\}|require \S++)(?:\(.*\))? called at (\S++) line (\d++)\.?")
_PERL_LIBRARY = re.compile(r"/perl5?/|/perl\d|/Carp\.pm$")

# Its words follow the language of the machine: "at Get-Price, C:\jobs\orders.ps1: line 3".
_POWERSHELL_FRAME = re.compile(r"\s*+\S{1,8} ([^\s,][^,]{0,200}), (\S.{0,500}\.psm?1): \S{1,12} (\d++)\s*+")
_POWERSHELL_PLACE = re.compile(r"(?>(?:\S{1,24}\s?: )?)(\S.{0,500}\.psm?1):(\d++)\s*+")
_POWERSHELL_SOURCE = re.compile(r"(?:\s*+\d++ \||\+) {1,20}(\S.*)")
_POWERSHELL_OLD = re.compile(r"\s*+\S{1,8} (\S.{0,500}\.psm?1):(\d++) \S{1,12}:\d++\s*+")

_RICH_START = re.compile(r"[╭+][─-]+ Traceback \(most recent call last\) [─-]+[╮+]")
_RICH_FRAME = re.compile(r"\s*+[│|] (\S[^│|]*?):(\d++) in (\S[^│|]*+)[│|]?\s*+")
_RICH_END = re.compile(r"\s*+[╰+][─-]+[╯+]")
_RICH_LIBRARY = re.compile(r"(?:site|dist)-packages[\\/]|[\\/]lib(?:64)?[\\/]python\d|^<frozen ")


def _read_elixir(lines: Iterable[str]) -> Iterator[Raised]:
    """The error's frames, the innermost first. One that another process reports follows its own."""
    current = Raised()
    for line in lines:
        if match := _ELIXIR_ERROR.match(line):
            if current.items:
                yield current
                current = Raised()
            current.says = match[1].rstrip()
        elif match := _ELIXIR.fullmatch(line):
            application, file, line_of, function = match.groups()
            library = application is not None and _ELIXIR_LIBRARY.match(application) is not None
            current.items.append(Frame(file, line_number(line_of), function.strip(), None, library))
    yield current


def _read_perl(lines: Iterable[str]) -> Iterator[Raised]:
    """Where it died, then the calls that led there: a call's place is in the function of the next."""
    raised = Raised()
    places: list[tuple[str, str]] = []
    functions: list[str] = []
    for line in lines:
        if match := _PERL_CALL.fullmatch(line):
            functions.append(match[1])
            places.append((match[2], match[3]))
        elif places and functions:
            break
        elif match := _PERL_DIED.fullmatch(line):
            raised.says, places = line.strip(), [(match[1], match[2])]
    for number, (file, line_of) in enumerate(places):
        function = functions[number] if number < len(functions) else None
        library = _PERL_LIBRARY.search(file) is not None
        raised.items.append(Frame(file, line_number(line_of), function, None, library))
    yield raised


def _read_powershell(lines: Iterable[str]) -> Iterator[Raised]:
    raised, bare = Raised(), False  # bare: a place without a function, whose line's text may follow
    for line in lines:
        if bare and (match := _POWERSHELL_SOURCE.fullmatch(line)):
            last = raised.items[-1]
            raised.items[-1] = replace(last, source=match[1].rstrip()) if isinstance(last, Frame) else last
            bare = False
        elif match := _POWERSHELL_FRAME.fullmatch(line):
            raised.items.append(Frame(match[2], line_number(match[3]), match[1]))
        elif match := _POWERSHELL_PLACE.fullmatch(line) or _POWERSHELL_OLD.fullmatch(line):
            raised.items.append(Frame(match[1], line_number(match[2])))
            bare = True
    yield raised


def _tells_powershell(line: str) -> bool:
    return any(form.fullmatch(line) for form in (_POWERSHELL_FRAME, _POWERSHELL_PLACE, _POWERSHELL_OLD))


def _read_rich(lines: Iterable[str]) -> Iterator[Raised]:
    """The outermost frame first, the error's line below its box; causes come before."""
    current, closed = Raised(), False
    for line in lines:
        if _RICH_START.search(line):
            if current.items:
                yield current
            current, closed = Raised(), False
        elif not closed and (match := _RICH_FRAME.fullmatch(line)):
            library = _RICH_LIBRARY.search(match[1]) is not None
            current.items.append(Frame(match[1], line_number(match[2]), match[3].strip(), None, library))
        elif _RICH_END.match(line):
            closed = True
        elif closed and line.strip() and current.says is None:
            current.says = line.strip()
    if current.items:
        yield current


ELIXIR = Language("Elixir", _ELIXIR.fullmatch, _read_elixir, hints=(".ex", ".erl", ".eex", ".heex"))
PERL = Language(
    "Perl", lambda line: _PERL_DIED.fullmatch(line) or _PERL_CALL.fullmatch(line), _read_perl, hints=(" line ",)
)
POWERSHELL = Language("PowerShell", _tells_powershell, _read_powershell, hints=(".ps",))
RICH = Language(
    "rich",
    _RICH_START.search,
    _read_rich,
    lambda raised: [Raised(each.says, each.items[::-1]) for each in reversed(raised)],
    ("Traceback (most recent call last) ",),
)
