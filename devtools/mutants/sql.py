"""The mutations of SQL in the strings of a module. The project writes its keywords in capitals."""

from __future__ import annotations

import re
from collections.abc import Iterator

SQL = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|AND|OR|NOT|NULL|ORDER BY|LIMIT|ASC|DESC|FOR UPDATE)\b|\$\d"
)
FIELD = re.compile(r"\{[^{}]*\}")  # Python in an f-string, or a name for str.format

# What ends a condition, as far as one can see without a parser.
END = r"(?= AND | OR | ORDER BY | GROUP BY | LIMIT | RETURNING | FOR UPDATE|\)|[\"\n]|$)"
# (what, what stands for it): a mutation for each place where it is found.
RULES: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), text)
    for pattern, text in [
        (r"(?<=[\w\x00)}] )<(?= )", "<="),
        (r"(?<=[\w\x00)}] )<(?= )", ">"),
        (r"(?<=[\w\x00)}] )<=(?= )", "<"),
        (r"(?<=[\w\x00)}] )<=(?= )", ">="),
        (r"(?<=[\w\x00)}] )>(?= )", ">="),
        (r"(?<=[\w\x00)}] )>(?= )", "<"),
        (r"(?<=[\w\x00)}] )>=(?= )", ">"),
        (r"(?<=[\w\x00)}] )>=(?= )", "<="),
        (r"(?<= )AND(?= )(?! [^\s]+ ROW)", "OR"),
        (rf" AND (?:[^()\"\n]|\(\)|\(\x00+\))+?{END}", ""),
        (r"\bNOT (?!NULL|EXISTS|MATERIALIZED)", ""),
        (r"\bNOT (?=EXISTS)", ""),
        (r"\bIS NULL\b", "IS NOT NULL"),
        (r"\bIS NOT NULL\b", "IS NULL"),
        (r"\bDESC\b", "ASC"),
        (r"\bASC\b", "DESC"),
        (r"(?<=ORDER BY )[\w.\x00]+(?:, [\w.\x00]+)*(?! (?:DESC|ASC))\b(?![\w.(])", r"\g<0> DESC"),
        (r" ?\bORDER BY [\w.\x00]+(?: DESC| ASC)?(?:, [\w.\x00]+(?: DESC| ASC)?)*", ""),
        (r" ?\bFOR UPDATE\b(?: OF \w+)?(?: SKIP LOCKED)?", ""),
        (r" LIMIT 1\b", ""),
        (r"\bDISTINCT ", ""),
        (r"\bUNION ALL\b", "UNION"),
        (r"\b(?i:min)(?=\()", "max"),
        (r"\b(?i:max)(?=\()", "min"),
        (r"\b(?i:greatest)(?=\()", "least"),
        (r"\b(?i:least)(?=\()", "greatest"),
        (r"(?<= )\+(?= [\d$])", "-"),
        (r"(?<= )-(?= [\d$])", "+"),
    ]
]


def edits(string: str, *, formatted: bool) -> Iterator[tuple[int, int, str]]:
    """(start, end, text) of each mutation of a string as it stands in the source, quotes and all."""
    if not SQL.search(string):
        return
    # Fields keep their length, so that positions hold.
    plain = FIELD.sub(lambda match: "\0" * len(match[0]), string) if formatted or "{" in string else string
    for pattern, text in RULES:
        for match in pattern.finditer(plain):
            start, end = match.span()
            whole = string[start:end]
            yield start, end, text.replace(r"\g<0>", whole)
