"""The mutations of Python source: small edits of its text, found by its syntax tree. Strings: devtools/mutants/sql.py.

An edit replaces a few characters and leaves the rest as it is, so that a survivor shows as a diff of one line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from devtools.mutants import sql

# Turned round, and with the bound itself on the other side.
COMPARISONS = {
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "==": ("!=",),
    "!=": ("==",),
    "is": ("is not",),
    "is not": ("is",),
    "in": ("not in",),
    "not in": ("in",),
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "reversed": "list"}
OPERATOR = re.compile(r"<=|>=|==|!=|<|>|is\s+not|not\s+in|is|in")


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `end` of the source become `text`."""

    start: int
    end: int
    text: str
    where: str  # the function or method that it is in, dotted; "" for the module itself
    lines: tuple[int, int] | None  # of the statement, a compound one's header alone; None: runs when it is imported

    def of(self, source: str) -> str:
        """The source with it."""
        return source[: self.start] + self.text + source[self.end :]


def edits(source: str) -> list[Edit]:
    """All mutations of a module, in the order of its text; a few of them may be no Python."""
    found = {(each.start, each.end, each.text): each for each in _Finder(source).find()}
    return [each for (start, end, text), each in sorted(found.items()) if text != source[start:end]]


def is_python(source: str) -> bool:
    """Whether it can be parsed: 5 ms for a module."""
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


class _Finder:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tree = ast.parse(source)
        # Columns count bytes of UTF-8.
        lines = [line.encode() for line in source.splitlines(keepends=True)]
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line.decode()))
        self._lines = lines
        self._where: list[str] = []
        self._in_function = 0
        self._statement: tuple[int, int] | None = None

    def find(self) -> Iterator[Edit]:
        for statement in self._tree.body:
            yield from self._of_statement(statement)

    def _of_statement(self, node: ast.stmt) -> Iterator[Edit]:
        if isinstance(node, (ast.Import, ast.ImportFrom)) or _is_docstring(node):
            return
        before, self._statement = self._statement, _header(node) if self._in_function else None
        yield from self._mutations(node)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            is_function = not isinstance(node, ast.ClassDef)
            self._where.append(node.name)
            self._in_function += is_function
            for inner in node.body:
                yield from self._of_statement(inner)
            self._in_function -= is_function
            self._where.pop()
        elif not _is_constant(node) or self._in_function:
            for part in ast.iter_child_nodes(node):
                if not isinstance(node, ast.AnnAssign) or part is not node.annotation:
                    yield from self._of_part(part)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            # A figure that has a name is not changed: a test of it could only repeat it.
            yield from (each for each in self._of_part(node.value) if not each.text.lstrip("-").isdecimal())
        self._statement = before

    def _of_part(self, node: ast.AST) -> Iterator[Edit]:
        if isinstance(node, ast.stmt):
            yield from self._of_statement(node)
            return
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield from self._of_string(node)
            return  # what stands in an f-string has no exact position before Python 3.12
        yield from self._mutations(node)
        skipped: ast.expr | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            skipped = node.slice  # another column says nothing of bounds and orders, and [-1] of a single row is [0]
        elif isinstance(node, ast.Slice):
            skipped = node.step
        for part in ast.iter_child_nodes(node):
            if part is not skipped:
                yield from self._of_part(part)

    def _mutations(self, node: ast.AST) -> Iterator[Edit]:
        match node:
            case ast.Compare():
                yield from self._of_compare(node)
            case ast.BoolOp():
                yield from self._of_bool(node)
            case ast.UnaryOp(op=ast.Not()):
                yield self._replace(node.lineno, node.col_offset, node.lineno, node.col_offset + len("not "), "")
            case ast.If() | ast.IfExp():
                yield self._instead(node.test, "True")
                yield self._instead(node.test, "False")
            case ast.While() if not isinstance(node.test, ast.Constant):
                yield self._instead(node.test, "False")
            case ast.comprehension():
                yield from (self._instead(test, "True") for test in node.ifs)
            case ast.Constant(value=bool(value)):
                yield self._instead(node, str(not value))
            case ast.Constant(value=int(value)):
                yield self._instead(node, str(value + 1))
                yield self._instead(node, str(value - 1))
            case ast.BinOp(op=ast.Add() | ast.Sub()) if not _joins(node):
                yield from self._between(node.left, node.right, r"[+-]", {"+": ("-",), "-": ("+",)})
            case ast.AugAssign(op=ast.Add() | ast.Sub()):
                yield from self._between(node.target, node.value, r"[+-]=", {"+=": ("-=",), "-=": ("+=",)})
            case ast.Call():
                yield from self._of_call(node)
            case ast.Slice(step=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)) as step):
                yield self._instead(step, "1")
            case ast.Expr(value=ast.Await() | ast.Call()) if not _is_log(node):
                yield self._instead(node, "pass")
            case ast.Raise() | ast.Break() | ast.Continue():
                yield self._instead(node, "pass")
            case _:
                pass

    def _of_compare(self, node: ast.Compare) -> Iterator[Edit]:
        for left, right in pairwise([node.left, *node.comparators]):
            yield from self._between(left, right, OPERATOR.pattern, COMPARISONS)

    def _of_bool(self, node: ast.BoolOp) -> Iterator[Edit]:
        for left, right in pairwise(node.values):
            yield from self._between(left, right, r"\b(?:and|or)\b", {"and": ("or",), "or": ("and",)})
        for value in node.values:  # dropped: what does not count
            yield self._instead(value, "True" if isinstance(node.op, ast.And) else "False")

    def _of_call(self, node: ast.Call) -> Iterator[Edit]:
        match node.func:
            case ast.Name(id="sorted") if node.args:
                yield self._instead(node, f"list({self._text(node.args[0])})")
                yield from self._turned(node, f"({self._text(node.args[0])})")
            case ast.Attribute(attr="sort"):
                yield from self._turned(node, "")
            case ast.Name(id=name) if name in CALLS:
                yield self._instead(node.func, CALLS[name])
            case _:
                pass

    def _turned(self, node: ast.Call, first: str) -> Iterator[Edit]:
        if any(each.arg == "reverse" for each in node.keywords):
            return  # its True is a constant, which is turned as such
        words = [first] * bool(first) + [self._text(each) for each in node.keywords] + ["reverse=True"]
        yield self._instead(node, f"{self._text(node.func)}({', '.join(words)})")

    def _of_string(self, node: ast.expr) -> Iterator[Edit]:
        start, end = self._span(node)
        for at, until, text in sql.edits(self._source[start:end], formatted=isinstance(node, ast.JoinedStr)):
            yield Edit(start + at, start + until, text, ".".join(self._where), self._statement)

    def _between(
        self, left: ast.expr, right: ast.expr, pattern: str, others: dict[str, tuple[str, ...]]
    ) -> Iterator[Edit]:
        """An operator: the first that stands behind one operand and before the next; brackets may be there as well."""
        start, end = self._span(left)[1], self._span(right)[0]
        if (match := re.search(pattern, self._source[start:end])) is not None:
            for other in others[" ".join(match[0].split())]:
                place = start + match.start(), start + match.end()
                yield Edit(*place, other, ".".join(self._where), self._statement)

    def _instead(self, node: ast.AST, text: str) -> Edit:
        start, end = self._span(node)
        return Edit(start, end, text, ".".join(self._where), self._statement)

    def _replace(self, line: int, column: int, end_line: int, end_column: int, text: str) -> Edit:
        start, end = self._offset(line, column), self._offset(end_line, end_column)
        return Edit(start, end, text, ".".join(self._where), self._statement)

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self._source[start:end]

    def _span(self, node: ast.AST) -> tuple[int, int]:
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end_line, end_column = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self._offset(line, column), self._offset(end_line, end_column)

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1][:column].decode())


def _header(node: ast.stmt) -> tuple[int, int]:
    body = getattr(node, "body", None)
    last = body[0].lineno - 1 if body else node.end_lineno or node.lineno
    return node.lineno, max(node.lineno, last)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_constant(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return bool(targets) and all(isinstance(each, ast.Name) and each.id.isupper() for each in targets)


def _joins(node: ast.BinOp) -> bool:
    """Whether it puts texts or lists together: turned round it only fails, which any test would notice."""
    kinds = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp)
    return any(
        isinstance(each, kinds) or (isinstance(each, ast.Constant) and not isinstance(each.value, (int, float)))
        for each in (node.left, node.right)
    )


def _is_log(node: ast.Expr) -> bool:
    call = node.value.value if isinstance(node.value, ast.Await) else node.value
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
            return True
        case _:
            return False
