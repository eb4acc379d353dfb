"""Text as people read it: without the codes that colour it in terminals, and in one form for all its spellings."""

from __future__ import annotations

import re
import unicodedata

# Control sequences (CSI), titles and links (OSC), and other escapes, in their 7-bit and 8-bit forms (ECMA-48).
ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b.?", re.DOTALL
)

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
