"""The frames of Go, Ruby, PHP, Rust, .NET, Elixir, Perl and PowerShell as fingerprints know them. Pure.

Frames of libraries count only where there are no others: they change with each release of the runtime.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from app.error_groups.file_names import file_name
from app.error_groups.messages import normalised
from app.error_groups.stack_traces import DOTNET, ELIXIR, GO, PERL, PHP, POWERSHELL, RUBY, RUST, Frame, Language, Raised

_GO_NUMBER = re.compile(r"(?<=\.)(func|gowrap|deferwrap)\d+(?:\.\d+)*")
_GO_GENERIC = re.compile(r"\[[^\[\]]*\]")

_RUBY_WHERE = re.compile(r"^(?:(?:block(?: \(\d+ levels\))?|rescue|ensure|else) in )+")
_RUBY_CLASS = re.compile(r"^[A-Z][\w:]*[#.]|^#<Class:[^>]*>[#.]")

_PHP_CLOSURE = re.compile(r"(?<![\w\\])[\w\\]*+\{closure(?::[^{}]*+)?\}")

_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_RUST_CLOSURE = re.compile(r"\{\{?closure(?:_env)?(?:#\d+)?\}?\}(?:<[^<>]*>)?")

_DOTNET_GENERIC = re.compile(r"`\d+|\[[^\[\]]*\]")
_DOTNET_CLASS = re.compile(r"<[\w.]*>c(?:__DisplayClass\w*|__AnonStorey\w*)?\.(?=<)")
_DOTNET_MACHINE = re.compile(r"<([\w.]+)>(?:d(?:__\d+)?|c__(?:async|Iterator)\w+)(?:\.MoveNext)?")
_DOTNET_LOCAL = re.compile(r"<([\w.]+)>g__(\w+)\|[\d_]+")
_DOTNET_LAMBDA = re.compile(r"<([\w.]*)>[bm]__\w+")

_ELIXIR_INNER = re.compile(r'^anonymous fn/\d+ in |"?-([\w?!]+/\d+)-(?:fun|lc|inlined|anonymous)[^"]*"?(?:/\d+)?')


def without_repeats(names: Iterable[str]) -> Iterator[str]:
    """The names, without repetitions in a row: how deep a recursion was does not matter."""
    before = None
    for name in names:
        if name != before:
            yield name
        before = name


def _own(frames: Sequence[Frame]) -> Sequence[Frame]:
    return [frame for frame in frames if not frame.library] or frames


def _with_file(frame: Frame, function: str | None) -> str:
    file = file_name(frame.file) if frame.file else ""
    return ":".join(part for part in (file, function) if part)


def _go(raised: Sequence[Raised]) -> Iterator[str]:
    for frame in _own(raised[0].frames):
        name = _GO_GENERIC.sub("", _GO_NUMBER.sub(r"\1", frame.function or ""))
        yield name or file_name(frame.file)


def _ruby(raised: Sequence[Raised]) -> Iterator[str]:
    """Ruby 3.4 names the class as well, and where a block or a rescue is changes with an edit."""
    for frame in _own(raised[-1].frames):
        yield _with_file(frame, _RUBY_CLASS.sub("", _RUBY_WHERE.sub("", frame.function or "")))


def _php(raised: Sequence[Raised]) -> Iterator[str]:
    for frame in _own(raised[0].frames):
        yield _with_file(frame, _PHP_CLOSURE.sub("{closure}", frame.function or ""))


def _place_alone(raised: Raised) -> str | None:
    """The file and what was said, where a trace has one place and no function: its line changes with an edit."""
    frames = raised.frames
    if len(frames) == 1 and frames[0].function is None and raised.says:
        return f"{file_name(frames[0].file)}: {normalised(raised.says)}"
    return None


def _rust(raised: Sequence[Raised]) -> Iterator[str]:
    for each in raised:
        if place := _place_alone(each):
            yield place
            continue
        for frame in _own(each.frames):
            yield _RUST_CLOSURE.sub("{closure}", _RUST_HASH.sub("", frame.function or "")) or file_name(frame.file)


def _dotnet(raised: Sequence[Raised]) -> Iterator[str]:
    """The innermost error's, then those of the ones that it caused: an inner trace ends where it was caught."""
    every = [frame for each in raised for frame in each.frames]
    for frame in _own(every):
        name = _DOTNET_GENERIC.sub("", frame.function or "").replace("+", ".").replace("/", ".")
        name = _DOTNET_CLASS.sub("", name)
        name = _DOTNET_LOCAL.sub(r"\1.\2", _DOTNET_MACHINE.sub(r"\1", name))
        yield _DOTNET_LAMBDA.sub(r"\1.lambda", name)


def _elixir(raised: Sequence[Raised]) -> Iterator[str]:
    for frame in _own(next((each.frames for each in raised if each.frames), [])):
        yield _with_file(frame, _ELIXIR_INNER.sub(lambda found: found[1] or "", frame.function or ""))


def _perl(raised: Sequence[Raised]) -> Iterator[str]:
    for each in raised:
        if place := _place_alone(each):
            yield place
        else:
            frames = [frame for frame in each.frames if frame.function != "eval {...}"]
            yield from (_with_file(frame, frame.function) for frame in _own(frames))


def _powershell(raised: Sequence[Raised]) -> Iterator[str]:
    for each in raised:
        for frame in each.frames:
            what = frame.function or (normalised(frame.source) if frame.source else None)
            yield _with_file(frame, what)


def _named(names: Callable[[Sequence[Raised]], Iterator[str]]) -> Callable[[Iterable[Raised]], Iterator[str]]:
    return lambda raised: without_repeats(names(list(raised)))


NAMES: dict[Language, Callable[[Iterable[Raised]], Iterator[str]]] = {
    language: _named(names)
    for language, names in {
        GO: _go,
        RUBY: _ruby,
        PHP: _php,
        RUST: _rust,
        DOTNET: _dotnet,
        ELIXIR: _elixir,
        PERL: _perl,
        POWERSHELL: _powershell,
    }.items()
}
