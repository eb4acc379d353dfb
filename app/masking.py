"""Known secrets in free text: found wherever they appear, and shown as MASK; pure.

Masking with some secrets and later with more gives what masking with all of them at once gives, as long as no two
secrets overlap partly in a text; that one contains the other is fine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

import msgspec

from app.events import Failure, Json, LogLine, Text
from app.merging import ExecutionFacts
from app.redaction import MASK
from app.sizes import MAX_LOG_LINE, MAX_MESSAGE, MAX_STACK_TRACE, is_cut

# Shorter values are too common in texts that have nothing to do with them: "admin", "1234", "true".
LEAST_LENGTH = 6
# A secret that the bound of a text cuts in two is recognised by so many characters of its beginning.
LEAST_BEGINNING = 4
# Each is looked for in each text: 200 cost 20 µs for a line of 200 characters. Requests that log a new token each would
# make an execution learn without end.
MOST_VALUES = 200

_STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_AUTHORIZATION = re.compile(r"(?:basic|bearer|token|apikey|digest)\s+(.+)", re.IGNORECASE | re.DOTALL)
_MASKED_BY_SENDER = frozenset("•*")


def worth_masking(values: Iterable[str]) -> set[str]:
    """The secrets that are masked in texts: the ones of at least LEAST_LENGTH characters, without space around them."""
    stripped = {value.strip() for value in values}
    return {value for value in stripped if len(value) >= LEAST_LENGTH and not _MASKED_BY_SENDER.issuperset(value)}


class Masker:
    """Masks secrets in texts. `known` are secrets that the texts have been masked with already."""

    def __init__(self, values: Iterable[str], known: Iterable[str] = ()) -> None:
        forms = {form for value in worth_masking(values) for form in _forms(value)}
        if known:
            before = Masker(known)
            # A new secret that contains a known one stands in the texts with that one masked.
            forms |= {before.text(form) for form in forms}
        self._forms = sorted(form for form in forms if len(form.replace("•", "")) >= LEAST_BEGINNING)

    def text(self, text: str, *, cut: bool = False) -> str:
        """The text with every secret replaced by MASK; `cut`: its end was cut off, perhaps within a secret."""
        found = sorted(self._places(text, cut))
        if not found:
            return text
        pieces: list[str] = []
        written = 0
        start, end = found[0]
        for next_start, next_end in [*found[1:], (len(text) + 1, 0)]:
            if next_start < end:
                end = max(end, next_end)
                continue
            pieces += (text[written:start], MASK)
            written, start, end = end, next_start, next_end
        return "".join([*pieces, text[written:]])

    def json(self, text: str) -> str:
        """A JSON text with the secrets masked within its strings."""
        if "\\" not in text and not any(form in text for form in self._forms):
            return text

        def masked(match: re.Match[str]) -> str:
            decoded: str = json.loads(match[0], strict=False)
            shown = self.text(decoded)
            return match[0] if shown == decoded else json.dumps(shown, ensure_ascii=False)

        return _STRINGS.sub(masked, text)

    def failure(self, error: Failure | None) -> Failure | None:
        """An error with its texts masked."""
        if error is None:
            return None
        return Failure(
            type=None if error.type is None else self.text(error.type),
            message=self._kept(error.message, MAX_MESSAGE),
            stack_trace=self._kept(error.stack_trace, MAX_STACK_TRACE),
            step=error.step,
        )

    def line(self, line: LogLine) -> LogLine:
        """A log line with its message and its attributes masked."""
        message, given = self._kept(line.message, MAX_LOG_LINE), line.attributes
        attributes = None if given is None else Json(self.json(given.text), given.size, given.sealed)
        assert message is not None
        return line if message is line.message and attributes == given else _replaced(line, message, attributes)

    def facts(self, facts: ExecutionFacts) -> None:
        """Mask the texts of an execution, its steps and its log lines, in place."""
        facts.error = self.failure(facts.error)
        for step in facts.steps.values():
            step.error = self.failure(step.error)
        facts.logs = {key: self.line(line) for key, line in facts.logs.items()}

    def _kept(self, text: Text | None, most: int) -> Text | None:
        if text is None:
            return None
        masked = self.text(text.value, cut=is_cut(text.size, most))
        return text if masked == text.value else Text(masked, text.size)

    def _places(self, text: str, cut: bool) -> Iterator[tuple[int, int]]:
        for form in self._forms:
            at = text.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = text.find(form, at + 1)
            if cut:
                for length in range(min(len(form) - 1, len(text)), LEAST_BEGINNING - 1, -1):
                    if text.endswith(form[:length]):
                        yield len(text) - length, len(text)
                        break


class Withholder(Masker):
    """Masks all of every text: for executions whose secrets cannot be read, where nobody knows what to look for."""

    def __init__(self) -> None:
        super().__init__(())

    def text(self, text: str, *, cut: bool = False) -> str:
        """MASK, whatever the text."""
        return MASK

    def json(self, text: str) -> str:
        """MASK as JSON."""
        return f'"{MASK}"'


def _forms(value: str) -> Iterator[str]:
    """How a secret may be written: as it is, within JSON, within a URL; of an Authorization header also alone."""
    yield value
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(value)[1:-1]
    yield quote(value, safe="")
    yield quote_plus(value)
    if (scheme := _AUTHORIZATION.fullmatch(value)) and len(scheme[1]) >= LEAST_LENGTH:
        yield from _forms(scheme[1])


def _replaced(line: LogLine, message: Text, attributes: Json | None) -> LogLine:
    return msgspec.structs.replace(line, message=message, attributes=attributes)
