"""Finds known secrets in free text, and shows them as MASK. Pure.

Masking with some secrets and later with more gives the same as masking with all at once, unless two secrets partly
overlap in a text. One that contains the other is fine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from app.secrets.places import Strings, join
from app.secrets.redaction import MASK

# Shorter values are too common in unrelated texts: "admin", "1234", "true".
MIN_LENGTH = 6
# So many characters of its beginning identify a secret that the bound of a text cuts in two.
MIN_BEGINNING = 4
# Each is looked for in each text: 200 cost 20 µs for a line of 200 characters. Requests that each log a new token would
# make an execution learn without end.
MAX_VALUES = 200
MAX_CHARACTERS = 64 * 1024  # of all of them
# Longer ones are looked for in pieces of this length, which bounds the cost of one.
MAX_PIECE = 4_096
# Lines of a longer secret (a key in PEM) that are secrets by themselves.
MIN_LINE = 16

_HTML = re.compile("[<>&]")
_PERCENT = re.compile("%[0-9A-F]{2}")
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_AUTHORIZATION = re.compile(r"(?:basic|bearer|token|apikey|digest)\s+(.+)", re.IGNORECASE | re.DOTALL)
_MASKED_BY_SENDER = frozenset("•*")


def worth_masking(values: Iterable[str]) -> set[str]:
    """The secrets that are masked in texts: the ones of at least MIN_LENGTH characters, without space around them."""
    found: set[str] = set()
    for value in values:
        whole = value.strip()
        lines = whole.splitlines() if "\n" in whole or "\r" in whole else []
        for text in (whole, *(line for line in map(str.strip, lines) if len(line) >= MIN_LINE)):
            found.update(text[start : start + MAX_PIECE] for start in range(0, len(text), MAX_PIECE))
    return {value for value in found if len(value) >= MIN_LENGTH and not _MASKED_BY_SENDER.issuperset(value)}


class Masker:
    """Masks secrets in texts. `known` are secrets that the texts have been masked with already."""

    def __init__(self, values: Iterable[str], known: Iterable[str] = ()) -> None:
        forms = {form for value in worth_masking(values) for form in _forms(value)}
        if known:
            before = Masker(known)
            # Where a new secret contains a known one, the stored texts have it with that one masked.
            forms |= {masked for form in forms if (masked := before.text(form)).strip(MASK)}
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._strings = Strings(self._forms)

    def text(self, text: str, *, cut: bool = False) -> str:
        """The text with every secret replaced by MASK. `cut`: its end was cut off, perhaps within a secret."""
        places = self._strings.covered(text)
        if cut and (beginning := max((_beginning(form, text) for form in self._forms), default=0)):
            join(places, len(text) - beginning, len(text))
        if not places:
            return text
        pieces: list[str] = []
        written = 0
        for start, end in places:
            pieces += (text[written:start], MASK)
            written = end
        return "".join([*pieces, text[written:]])

    def json(self, text: str, *, cut: bool = False) -> str:
        """A JSON text with the secrets masked within its strings. `cut`: the end of one was cut off."""
        if not cut and "\\" not in text and not any(form in text for form in self._forms):
            return text

        def masked(match: re.Match[str]) -> str:
            decoded: str = json.loads(match[0], strict=False)
            shown = self.text(decoded, cut=cut)
            return match[0] if shown == decoded else json.dumps(shown, ensure_ascii=False)

        return _STRINGS.sub(masked, text)


class Withholder(Masker):
    """Masks every text whole: for executions whose secrets cannot be read, where nobody knows what to look for."""

    def __init__(self) -> None:
        super().__init__(())

    def text(self, text: str, *, cut: bool = False) -> str:
        """MASK, whatever the text."""
        return MASK

    def json(self, text: str, *, cut: bool = False) -> str:
        """MASK as JSON."""
        return f'"{MASK}"'


def _forms(value: str) -> Iterator[str]:
    """How a secret may be written: as it is, in JSON, in a URL; in an Authorization header also without its scheme."""
    scheme = _AUTHORIZATION.fullmatch(value)
    for text in (value, scheme[1]) if scheme and len(scheme[1]) >= MIN_LENGTH else (value,):
        quoted = json.dumps(text, ensure_ascii=False)[1:-1]
        escaped = json.dumps(text)[1:-1]
        yield from (text, quoted, escaped)
        yield from (quoted.replace("/", "\\/"), escaped.replace("/", "\\/"))  # as PHP writes JSON
        yield _HTML.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)  # as Go does
        for in_url in (quote(text, safe=""), quote_plus(text), quote(text, safe="!'()*~")):  # the last is JavaScript's
            yield in_url
            yield _PERCENT.sub(lambda match: match[0].lower(), in_url)


def _beginning(form: str, text: str) -> int:
    """How many characters at the end of a text are the beginning of a form: the most, if they identify it; else 0."""
    end = text[-len(form) + 1 :]
    at = end.find(form[:MIN_BEGINNING])
    while at >= 0:
        if form.startswith(end[at:]):
            return len(end) - at
        at = end.find(form[:MIN_BEGINNING], at + 1)
    return 0
