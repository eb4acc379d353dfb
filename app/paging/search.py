"""What search looks in: one text per row in searchable form, made when the row is written.

SQL compares it as it is: no database folds letters as Python does.
"""

from __future__ import annotations

import re
import unicodedata

from app.errors import BadInput
from app.paging.keyset import Params

# Between the fields, so that no search term matches across two of them: a control character nobody searches for.
SEPARATOR = "\x1f"

# Control sequences (CSI), titles and links (OSC), and other escapes, in their 7-bit and 8-bit forms (ECMA-48).
ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b.?", re.DOTALL
)
ESCAPE_STARTS = ("\x1b", "\x9b", "\x9d")

# Characters of the other width, half or full, that Japanese, Chinese and Korean keyboards type: "Ａ" for "A". The rest
# of compatibility (½, ™, ﬁ) stays: it is told apart.
_WIDTHS = {
    code: normal
    for code in (*range(0xFF01, 0xFFEF), 0x3000)
    if unicodedata.decomposition(chr(code)).startswith(("<wide>", "<narrow>"))
    and (normal := unicodedata.normalize("NFKC", chr(code)))
}


def searchable(text: str) -> str:
    """The form in which texts are compared: no escapes, one width, casefolded, composed (NFC)."""
    if text.isascii() and "\x1b" not in text:
        return text.casefold()
    text = ESCAPES.sub("", text).translate(_WIDTHS)
    # Canonical caseless matching (Unicode, D145): a composed letter may fold to something else than its parts do.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def search_text(workflow_name: str, external_id: str, error_message: str | None) -> str:
    """The search text of an execution."""
    return SEPARATOR.join(map(searchable, (workflow_name, external_id, error_message or "")))


def folded(message: str) -> str | None:
    """A casefolded log message without escapes; None if the databases' lower(), which knows only ASCII, gives it."""
    if message.isascii() and "\x1b" not in message:
        return None
    text = ESCAPES.sub("", message).casefold()
    return None if text == message.encode().lower().decode() else text


def like_pattern(term: str) -> str:
    """The LIKE pattern of texts that contain `term`, with its own wildcards escaped by a backslash."""
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def occurs(params: Params, term: str, text: str) -> str:
    """The condition that `term` occurs in `text`, an SQL expression, where no index helps."""
    return params.dialect.occurs(params.bind(term), text)


def check_text(name: str, text: str) -> None:
    """Refuse what no stored text has: BadInput."""
    if "\0" in text:
        raise BadInput(f"{name}: contains a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{name}: contains half a surrogate pair") from None
