"""Messages without their variable parts. Pure."""

from __future__ import annotations

import re

from app.paging.search import ESCAPES
from app.secrets.redaction import MASK

# Readable in a list. Messages that differ only after that have most likely quoted something long.
MAX_MESSAGE_CHARACTERS = 1_000
# Twice what is kept of a message (app/events/sizes.py); a line of stderr may be longer.
_MAX_READ = 16 * 1024

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CUT_PLACEHOLDER = re.compile(r"<[a-z]{0,5}$")

# An apostrophe within a word opens and closes nothing: can't.
_OPENING = re.compile(r"""(?<!\w)[bBrRuU]{0,2}'|\\"|["`‘“„«]""")
_CLOSING = {
    "'": re.compile(r"(?<!\\)'(?!\w)"),
    '"': re.compile(r'(?<!\\)"'),
    '\\"': re.compile(r'\\"'),
    "`": re.compile(r"[`'](?!\w)"),  # Ruby and older GNU tools quote `so'
    "‘": re.compile(r"’(?!\w)"),
    "“": re.compile("”"),
    "„": re.compile("[“”]"),
    "«": re.compile("»"),
}
# V8 quotes some 20 characters of the JSON, with quotes of its own in them.
_JSON_EXCERPT = re.compile(r'(?:\.{3})?".{0,40}"(?:\.{3})?(?= is not valid JSON)')

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_CLOCK = r"\d{1,3}:\d\d:\d\d(?:[.,]\d++)?"
_ZONE = r"(?>(?:\ ?(?:[AP]M\b|Z\b|UTC\b|GMT\b|[+-]\d\d:?\d\d(?!\d)))*)"
_IN_PATH = r"""[^\s:;,'"`<>|()\[\]{}•]"""
# Replaces a file's name that ends in a digit. One without a digit says what is wrong: config.json.
_ENDINGS = (
    "gz|xz|py|js|rb|sh|db|so|csv|tsv|txt|log|xml|zip|tar|tgz|bz2|zst|pdf|png|jpg|gif|svg|sql|dat|bam|sam|bai|vcf|bed"
    "|tmp|bak|out|err|jar|json|yaml|toml|lock|html|xlsx|docx|jpeg|avro|fastq|fasta|jsonl|ndjson|parquet"
)
_ENDS = "|".join(rf"(?<=\.(?i:{ending}))" for ending in _ENDINGS.split("|"))

# The most specific first. All of it is linear: repetitions are possessive or bounded, and begin where a word does.
_VARIABLE = re.compile(
    rf"""
    (?=[\w+./~\\@%-])(?:                                                                # passes over the rest quickly
      (?P<email>(?<![\w.+-])[\w.+-]++@[\w-]++(?>(?:\.[\w-]++)+))
    | (?P<path>
        (?<![A-Za-z0-9])[A-Za-z]:[\\/]{{1,2}}(?=\w){_IN_PATH}*(?<![.!?])                   # C:\a\b
      | (?<![\w\\])\\\\\w[\w.$-]*+\\{_IN_PATH}*(?<![.!?])                                 # \\host\share
      )
    | (?<![A-Za-z0-9])(?:
        (?P<url>[A-Za-z][A-Za-z0-9+.-]{{1,15}}+://[^\s<>]*[^\s<>.,;:!?)\]}}'"•])
      | (?P<uuid>[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}(?![A-Za-z0-9]))
      | (?P<mac>(?:[0-9A-Fa-f]{{2}}:){{5,7}}[0-9A-Fa-f]{{2}}(?![A-Za-z0-9:]))
      | (?P<time>
          (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},?\ )?
          (?:
            (?:
              \d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}
            | \d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{4}}
            | \d{{1,2}}[-/\ ]{_MONTH}[-/\ ]\d{{4}}
            | {_MONTH}\ \d{{1,2}},?\ \d{{4}}
            )(?!\d)(?:(?:[T:]|,?\ ){_CLOCK}{_ZONE}|T\d{{1,2}}:\d\d{_ZONE})?
          | {_MONTH}\ \d{{1,2}}\ {_CLOCK}{_ZONE}(?:\ \d{{4}}(?!\d))?
          | \d{{8}}T\d{{4,6}}(?:[.,]\d++)?{_ZONE}
          | {_CLOCK}{_ZONE}
          )
        )
      | (?P<ip>
          \d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:/\d{{1,2}}|:\d{{1,5}})?(?!\w|\.\d)
        | (?:[0-9A-Fa-f]{{1,4}}:){{7}}[0-9A-Fa-f]{{1,4}}(?![\w:])
        | (?=[A-Fa-f:]{{0,38}}[0-9])(?:[0-9A-Fa-f]{{1,4}}:){{1,7}}(?::[0-9A-Fa-f]{{1,4}}){{1,7}}(?![\w:])
        )
      | (?P<pod>(?<=-)[bcdf2456789]{{8,10}}-[bcdfghjklmnpqrstvwxz2456789]{{5}}(?![A-Za-z0-9-]))
      | (?P<hex>
          0[xX][0-9A-Fa-f]++
        | (?=[0-9]*+[A-Fa-f])(?=[A-Fa-f]*+[0-9])[0-9A-Fa-f]{{8,}}+(?![A-Za-z0-9])
        )
      | (?P<id>(?=[0-9]*+[A-Za-z])(?=(?:[A-Za-z]*+[0-9]){{3}})[0-9A-Za-z]{{16,}}+)
      )
    | (?P<path_>
        (?<![\w/<.~)\]\\-])(?:~|\.\.?)?/[.@+-]{{0,2}}\w{_IN_PATH}*(?<![.!?])              # /a/b  ./a  ~/a
      | (?<![\w/.\\~@%+-])\.?[\w@%+-]++(?>(?:\.++[\w@%+-]++)*)(?>(?:/\.?[\w@%+-]++(?>(?:\.++[\w@%+-]++)*))+)
        (?:(?<=\.[a-z])|(?<=\.[a-z]\w)|(?<=\.[a-z]\w\w)|(?<=\.[a-z]\w\w\w))                # a/b.py
      | (?<![\w/.\\~@%+-])(?=(?>(?:[^\W0-9]|[.-])*)[0-9])[\w-]++(?>(?:\.[\w-]++)+)(?:{_ENDS})   # reads_1.fq.gz
      )
    | (?P<num>
        (?:(?<!\w)[+-](?=[0-9]))?(?<![A-Za-z0-9])(?P<v>v?)[0-9]++(?>(?:[.,][0-9]++)*)(?>(?:[eE][+-]?[0-9]++)?)
        (?P<unit>[A-Za-z0-9µ]*+)
      | (?<=[A-Za-z])[0-9]{{4,}}+                                     # shorter ones are part of a name: s3, x86, sha256
      ))
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(r"[0-9]++")
_PLACEHOLDERS = {"path_": "<path>", "mac": "<hex>", "pod": "<id>"}


def normalised(message: str) -> str:
    """The message on one line with placeholders for what varies, cut to MAX_MESSAGE_CHARACTERS; idempotent."""
    text = folded(message[:_MAX_READ])
    # Repeat until nothing changes: a placeholder may end what a quote or a name ran into. Each round leaves less to
    # replace.
    while (shorter := _cut(folded(_replaced(text)))) != text:
        text = shorter
    return text


def _replaced(text: str) -> str:
    if " is not valid JSON" in text:
        text = _JSON_EXCERPT.sub("<str>", text)
    # No placeholder is shorter than <ip>: these fill what is kept.
    return _VARIABLE.sub(_placeholder, _without_quoted(text), count=MAX_MESSAGE_CHARACTERS // len("<ip>"))


def _placeholder(match: re.Match[str]) -> str:
    group = match.lastgroup or ""
    if group == "num":
        return f"{match['v'] or ''}<num>{_NUMBER.sub('<num>', match['unit'] or '')}"
    return _PLACEHOLDERS.get(group, f"<{group}>")


def _without_quoted(text: str) -> str:
    pieces: list[str] = []
    written = 0
    unclosed: set[str] = set()  # none of these closes any more; looking again from each would take quadratic time
    for opening in _OPENING.finditer(text):
        quote = opening[0].lstrip("bBrRuU")
        if opening.start() < written or quote in unclosed:
            continue
        closing = _CLOSING[quote].search(text, opening.end())
        if closing is None:
            unclosed.add(quote)
        else:
            shown = opening[0] + MASK + closing[0]  # it is worth knowing that a secret was there
            kept = shown if text[opening.start() : closing.end()] == shown else "<str>"
            pieces += (text[written : opening.start()], kept)
            written = closing.end()
            if len(pieces) > MAX_MESSAGE_CHARACTERS:
                break
    return "".join([*pieces, text[written:]])


def folded(text: str) -> str:
    """The text on one line, without what only a terminal reads."""
    return " ".join(_CONTROL.sub(" ", (ESCAPES.sub("", text) if "\x1b" in text or "\x9b" in text else text)).split())


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= MAX_MESSAGE_CHARACTERS
        else _CUT_PLACEHOLDER.sub("", text[:MAX_MESSAGE_CHARACTERS]).rstrip()
    )
