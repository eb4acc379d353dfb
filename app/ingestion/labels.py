"""Labels of trigger data: a few short values, by which people tell runs apart in a list. Pure.

Made of the data as shown, so nothing sealed is in it. What may carry a secret all the same is left out: values that
contain a known secret, and of URLs the user info and all from the query on. When in doubt a value is left out: the
data itself is one click away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from unicodedata import category, combining, east_asian_width

import msgspec

from app.events import TriggerData
from app.events.sizes import MAX_DATA
from app.paging.search import ESCAPES
from app.secrets.masking import Masker
from app.secrets.redaction import MASK

MAX_LABEL = 120
MAX_VALUES = 3
MAX_KEY = 30
MAX_VALUE = 60  # in columns of a terminal: characters of East Asia take two
# Longer texts are none by which to tell runs apart.
MAX_TEXT = 1_000
# Values to look at, the outer ones first, and how deep: arguments of a task lie in {"kwargs": {"order": {"id": 7}}}.
MAX_LOOKED_AT = 200
MAX_DEPTH = 4

# Keys that name things, the most telling first; then all others, and what is only true or false. An outer name comes
# before an inner one: of {"file": …, "shop": {"name": …}} it is the file that tells runs apart.
_NAMING = ("name", "title", "subject", "file", "url", "email", "id")
_RANKS = {key: rank for rank, key in enumerate(_NAMING)}
_SOME_ID, _LEVEL = len(_NAMING), len(_NAMING) + 1
_OTHER, _FLAG = _LEVEL * MAX_DEPTH, _LEVEL * MAX_DEPTH + 1

_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_URL_KEYS = re.compile(r"(?:^|_)(?:url|uri|href|link|endpoint|webhook|callback)$")
_SURROGATES = re.compile("[\ud800-\udfff]")
_MARKS = re.compile("[@?#]")
_JOINERS = "\u200c\u200d"
# Where the authority of a URL may begin. A scheme is not asked for: it would have to be looked for from each letter.
_URL = re.compile(r":[/\\]+|(?:^|(?<=[^\w/\\]))[/\\]{2,}")
_IN_URLS = re.compile(r"[:@?/\\]")
_AUTHORITY = re.compile(r"[^/\\?#\s]*")
_HOST = re.compile(r"(?:[^\s:@\[\]]*|\[[0-9a-f:.]*\])(?::[0-9]*)?", re.IGNORECASE)
_ENCODED = re.compile(r"%(?:40|3f)", re.IGNORECASE)  # @ and ?
_PASSWORD = re.compile(r"\S:(?=\S)")
_QUERY = re.compile(r"\?(?=\S).*", re.DOTALL)


def label_of(data: TriggerData | None, masker: Masker | None = None) -> str:
    """The label of trigger data, "" if nothing in it tells runs apart. `masker` knows the secrets of the run."""
    return "" if data is None or data.text is None else label_of_text(data.text, data.size, masker)


def label_of_text(text: str, size: int, masker: Masker | None = None) -> str:
    """The label of stored trigger data; `size` is that of the data as sent."""
    if size > MAX_DATA:
        return ""  # only their beginning was kept
    found = _found(text)
    found.sort(key=lambda each: each[0])  # stable: the outer ones first, in the order of the data
    label = ""
    for part in islice(_parts(found, masker), MAX_VALUES):
        longer = f"{label}, {part}" if label else part
        if len(longer) <= MAX_LABEL:
            label = longer
    return label if _is_clear(label, masker) else ""


def _found(text: str) -> list[tuple[int, str, bytes]]:
    try:
        try:
            return [*_scalars(text.encode())]
        except msgspec.DecodeError:
            # Perhaps half of a surrogate pair, which data may have and msgspec does not read.
            whole = _SURROGATES.sub("\ufffd", json.dumps(json.loads(text), ensure_ascii=False))
            return [*_scalars(whole.encode())]
    except (ValueError, RecursionError):  # no JSON, or deeper than anybody reads
        return []


def _scalars(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """The values that have nothing below them, outer ones first: rank, key as shown, and JSON."""
    level, looked_at = [("", data.strip())], 0
    for depth in range(MAX_DEPTH):
        deeper: list[tuple[str, bytes]] = []
        for key, value in level:
            first = value[:1]
            if first == b"{":
                deeper += [(name, bytes(each)) for name, each in islice(_object(value).items(), MAX_LOOKED_AT)]
            elif first == b"[":
                items = islice(_array(value), MAX_LOOKED_AT)
                deeper += [(f"{key}[{place}]", bytes(each)) for place, each in enumerate(items)]
            elif first != b"n" and len(key) <= MAX_KEY and (known := _known(key)) is not None:
                rank, name = known
                rank = rank + depth * _LEVEL if rank < _OTHER else rank
                yield _FLAG if first in b"tf" else rank, name, value
            looked_at += 1
            if looked_at == MAX_LOOKED_AT:
                return
        level = deeper


@lru_cache(maxsize=4096)
def _known(key: str) -> tuple[int, str] | None:
    """The rank of a key, and the key as shown; None for one that is not to be shown."""
    name = _clean(key)
    if name and _value(name, "") != name:
        return None  # a URL
    rank = _RANKS.get(_snake(key))
    if rank is None:
        rank = _SOME_ID if _snake(key).endswith("_id") else _OTHER
    return rank, name


def _snake(key: str) -> str:
    return _HUMP.sub("_", key).replace("-", "_").lower()


def _parts(found: list[tuple[int, str, bytes]], masker: Masker | None) -> Iterator[str]:
    for rank, name, value in found:
        if len(value) > 6 * MAX_TEXT:  # each character may be an escape
            continue
        is_text = value[0] == 0x22
        text = _string(value) if is_text else value.decode()
        if len(text) > MAX_TEXT or not (masker is None or _is_clear(text, masker)):
            continue
        shown = _value(_clean(text), name) if is_text else text
        if not shown or MASK in shown:
            continue
        if _width(shown) > MAX_VALUE:
            if rank >= _OTHER:
                continue  # a text rather than a name
            shown = _cut(shown)
        part = f"{name}={shown}" if name else shown
        if masker is None or _is_clear(part, masker):
            yield part


def _is_clear(text: str, masker: Masker | None) -> bool:
    """Whether no known secret is in it."""
    return masker is None or masker.text(text) == text


def _value(text: str, name: str) -> str:
    """A value as shown; "" if it may have user info of a URL somewhere."""
    if _IN_URLS.search(text) is None:
        return text
    url = _URL.search(text)
    if url is not None:
        return _without_credentials(text, url.end())
    if _URL_KEYS.search(_snake(name)):
        return _without_credentials(text, 0)
    password = _PASSWORD.search(text)
    return "" if password and "@" in text[password.end() :] else _QUERY.sub("", text).rstrip()


def _without_credentials(text: str, start: int) -> str:
    """A text without user info, query and fragment of the URL whose authority begins at `start`."""
    authority = _AUTHORITY.match(text, start)
    assert authority is not None
    host = authority[0].rpartition("@")[2]
    rest = text[authority.end() :]
    # A password may hold what ends an authority: an @ behind that says so. So does a port that is no number.
    if "@" in rest or "@" in text[:start] or _ENCODED.search(text) or not _HOST.fullmatch(host):
        return ""
    path = re.split("[?#]", rest, maxsplit=1)[0]
    return "" if _URL.search(path, 1) else f"{text[:start]}{host}{path}".rstrip()


def _clean(text: str) -> str:
    """A text on one line: no control characters, no escapes of a terminal, nothing that turns its direction."""
    if text.isprintable():
        return text.strip()
    # What ends user info or begins a query must not vanish in an escape: it stays, as what it is.
    text = ESCAPES.sub(lambda escape: "".join(_MARKS.findall(escape[0])), text)
    kept = (char if _is_shown(char) else " " if category(char) in ("Cc", "Zl", "Zp") else "" for char in text)
    return " ".join("".join(kept).split())


def _is_shown(char: str) -> bool:
    return char.isprintable() or char in _JOINERS or category(char) == "Zs"


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _cut(text: str) -> str:
    """The beginning of a text that is too wide, never within a character that several code points make."""
    end, used = 0, 1
    while used + (step := _width(text[end])) <= MAX_VALUE:
        used, end = used + step, end + 1
    while end and (combining(text[end]) or text[end] in f"{_JOINERS}\ufe0f" or text[end - 1] in _JOINERS):
        end -= 1
    return f"{text[:end].rstrip()}…"
