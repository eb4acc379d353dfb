"""Messages without what varies, and how the failures of the Galaxy sample form groups."""

from __future__ import annotations

import re
import string
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.error_groups.fingerprints import Basis, Fingerprint, fingerprint
from app.error_groups.messages import MAX_MESSAGE_CHARACTERS, normalised

TRACE = """\
Traceback (most recent call last):
  File "/srv/shop/orders.py", line {line}, in place
    price(order)
  File "{folder}/site-packages/tax/rates.py", line {line}, in price
    raise LookupError
LookupError
"""
# What the patterns look for, and what could trip them.
PIECES = [
    *("'", '"', "`", "‘", "’", "“", "„", "«", "»", '\\"', "\\", "/", "//", "://", "http://x/", "C:\\", "~", ".", ","),
    *(":", "::", "1", "12", "-", "+", "e", "E5", "%", "MB", "0x", "v", "_", "@", "a", "b", "é", "can't", " ", "\n"),
    *("•••", "•", "<", "<num>", "<pa", "(", "]", "f@x.y", "10.0.0.1", "::1", "2024-01-31", "T", "17:33:12", "Z"),
    *("Jan 31", "a1b2c3d4", "deadbeef", "6c93fc2c-df11-4697-ba2d-61f6c1603ed4", "ab1" * 8, "x" * 300, "a_1.fq.gz"),
    *("a/b.py", "第", "\x1b[0m", "\ud800", "\0", "\u2028", " is not valid JSON"),
]  # fmt: skip
JUNK = st.text() | st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def print_of(
    type_: str | None = None, message: str | None = None, stack: str | None = None, **place: str | None
) -> Fingerprint:
    workflow = place.get("workflow") or "nightly"
    return fingerprint(type_, message, stack, workflow=workflow, failed_step=place.get("step"))


# Messages


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("GET https://shop.example/orders/17?page=2, then stop.", "GET <url>, then stop."),
        ("(see s3://bucket/a%20b/c.csv)", "(see <url>)"),
        ("no answer from postgres://shop:•••@db-1:5432/shop", "no answer from <url>"),
        ("mail to ann.b+c@shop.example bounced", "mail to <email> bounced"),
        ("at 2024-01-31T17:33:12.927123Z: late", "at <time>: late"),
        ("[2024-01-31 17:33:12,927 +01:00] late", "[<time>] late"),
        ("[31/Jan/2024:17:33:12 +0000] late", "[<time>] late"),
        ("Wed, 31 Jan 2024 17:33:12 GMT late", "<time> late"),
        ("Wed Jan 31 17:33:12 UTC 2024 late", "<time> late"),
        ("Jan  1 17:33:12 host late", "<time> host late"),
        ("on 2024-01-31, 31.01.2024, 1/31/2024 and Jan 31, 2024", "on <time>, <time>, <time> and <time>"),
        ("after 125:10:03 of 10:20:30.5 PM, job 20240131T173312Z", "after <time> of <time>, job <time>"),
        ("dataset_6c93fc2c-df11-4697-ba2d-61f6c1603ed4 is gone", "dataset_<uuid> is gone"),
        ("digest d41d8cd98f00b204e9800998ecf8427e", "digest <hex>"),
        ("<shop.Order object at 0x7f3a1c> of 00:1b:44:11:3a:b7", "<shop.Order object at <hex>> of <hex>"),
        ("execution 01HV3K5T6ZQ8W7R2M4N6P8S0AB", "execution <id>"),
        ("charge ch_3MmlLrLkdIwHu7ix0snN0B15 failed", "charge ch_<id> failed"),
        ("pod worker-7d9f8b6c5d-x2k4j was evicted", "pod worker-<id> was evicted"),
        ("the facade was decoded, defaced and accessed", "the facade was decoded, defaced and accessed"),
        ("cannot open /var/lib/shop/17/a.csv: gone", "cannot open <path>: gone"),
        ("in ~/a.txt, ./b, ../c/d and /e.", "in <path>, <path>, <path> and <path>."),
        (r"C:\Users\ann\a.csv and \\host\share\a.csv", "<path> and <path>"),
        ("see src/shop/orders.py:12:3.", "see <path>:<num>:<num>."),
        ("and/or text/html, TCP/IP, 1/2 km/h </a> <br/> /", "and/or text/html, TCP/IP, <num>/<num> km/h </a> <br/> /"),
        ("downsampled-SRR24043307_fastq_gz_1.fq.gz: no; config.json: no", "<path>: no; config.json: no"),
        ("""can't find 'a b', "it's" or `c`""", "can't find <str>, <str> or <str>"),
        ("can't and won't, in users' carts", "can't and won't, in users' carts"),
        ("the users' 'big' cart: 'open", "the users' <str> cart: 'open"),
        ("undefined method `total' for ‘x’ “y” «z» b'\\x00'", "undefined method <str> for <str> <str> <str> <str>"),
        (r'"a \"quoted\" word" {\"key\": \"value\"}', "<str> {<str>: <str>}"),
        ('{"code": 17, "tags": ["a"]}', "{<str>: <num>, <str>: [<str>]}"),
        ("""Unexpected 'x', ..."a": "b"x"c"... is not valid JSON""", "Unexpected <str>, <str> is not valid JSON"),
        ("10.0.0.17:8080, 10.0.0.0/8, fe80::1 and 2001:db8::8a2e:370", "<ip>, <ip>, <ip> and <ip>"),
        ("std::vector of puff::index", "std::vector of puff::index"),
        ("-5 +3.2 1,234,567.89 1e-10 50% x=-1 #17", "<num> <num> <num> <num> <num>% x=<num> #<num>"),
        ("12MB in 30s, 1h30m, 1920x1080", "<num>MB in <num>s, <num>h<num>m, <num>x<num>"),
        ("shape (3,4,5) of job-17, input_3 of SRR24043307", "shape (<num>) of job-<num>, input_<num> of SRR<num>"),
        ("s3, x86, sha256 and base64 are names; v1.2.3 is not", "s3, x86, sha256 and base64 are names; v<num> is not"),
        ("第12行", "第<num>行"),
        ("  two\n\tlines \r\n", "two lines"),
        ("\x1b[31mError\x1b[0m: \0 x\x07", "Error: x"),
        ("token •••", "token •••"),
        ("tokens '•••' and •••17", "tokens '•••' and •••<num>"),
        ("", ""),
        (" \n ", ""),
    ],
)  # fmt: skip
def test_variable_parts_of_a_message_are_replaced(message: str, expected: str) -> None:
    assert normalised(message) == expected


@given(JUNK)
def test_normalising_twice_changes_nothing_more(message: str) -> None:
    once = normalised(message)
    assert normalised(once) == once
    assert len(once) <= MAX_MESSAGE_CHARACTERS
    assert once == " ".join(once.split())


def test_a_long_message_is_cut_and_never_within_a_placeholder() -> None:
    for shift in range(6):
        cut = normalised("x" * shift + " 17" * 1_000)
        assert MAX_MESSAGE_CHARACTERS - 6 <= len(cut) <= MAX_MESSAGE_CHARACTERS
        assert cut.endswith("<num>")


@pytest.mark.parametrize(
    "piece", [*string.printable, *PIECES, " 'a", "a@a.", "1:", "/a.", "a-", '", "', "at a (", "\x1b["]
)
def test_twelve_kibibytes_of_anything_end(piece: str) -> None:
    before = time.process_time()
    assert len(normalised(piece * (12 * 1024 // len(piece)))) <= MAX_MESSAGE_CHARACTERS
    assert time.process_time() - before < 5  # some 10 ms; minutes if it were quadratic with patterns within patterns


# Fingerprints


def test_the_same_failure_on_another_day_and_machine_has_the_same_fingerprint() -> None:
    one = print_of("LookupError", "no rate for order 17", TRACE.format(line=3, folder="/opt/ann/.venv/lib/python3.11"))
    other = print_of(
        "LookupError", "no rate for order 18", TRACE.format(line=99, folder="C:\\venv\\Lib"), workflow="w", step="s"
    )
    assert one == other == Fingerprint(one.key, "LookupError", "no rate for order <num>", Basis.FRAMES)
    assert re.fullmatch("[0-9a-f]{32}", one.key)


def test_type_message_and_frames_each_make_another_fingerprint() -> None:
    trace = TRACE.format(line=1, folder="")
    prints = [
        print_of("E", "x", trace),
        print_of("F", "x", trace),
        print_of(None, "x", trace),
        print_of("E", "y", trace),
        print_of("E", None, trace),
        print_of("E", "x", trace.replace("in place", "in refund")),
        print_of("E", "x", None),
    ]
    assert len({each.key for each in prints}) == len(prints)


def test_parts_cannot_be_mistaken_for_each_other() -> None:
    prints = [
        *(print_of(*parts) for parts in [("a", "b"), ("b", "a"), (None, "ab"), (None, "b"), ("ab", "b"), ("1:a", "b")]),
        *(
            print_of(*parts)
            for parts in [("-", "b"), (None, "nightly"), ("message", "b"), (None, "a", "a"), (None, "", "a")]
        ),
        *(
            print_of(None, None, None, workflow=name, step=step)
            for name in ("a", "ab", "a1:b")
            for step in (None, "b", "-")
        ),
        *(print_of(kind, "", "", workflow="a", step=step) for kind in ("a", "b", "ab") for step in (None, "a", "b")),
    ]
    assert len({each.key for each in prints}) == len(prints)


@pytest.mark.parametrize("stack", [None, "", " \n", "\x1b[0m\n"])
@pytest.mark.parametrize("message", [None, "", "\n"])
def test_a_failure_without_message_and_stack_trace_is_that_of_its_step(message: str | None, stack: str | None) -> None:
    found = print_of("Timeout", message, stack, step="load")
    assert found == print_of("Timeout", step="load")
    assert found.message == "No message: load of nightly"
    assert print_of("Timeout", message, stack).message == "No message: nightly"
    others = [
        print_of(step="load"),
        print_of("Timeout", step="save"),
        print_of("Timeout"),
        print_of("Timeout", workflow="w"),
    ]
    assert len({each.key for each in [found, *others]}) == 5


def test_without_a_message_the_stack_trace_says_what_people_read() -> None:
    assert print_of("LookupError", "", TRACE.format(line=1, folder="")).message == "No message: tax/rates.py:price"
    assert len(print_of(None, None, f'File "{"x" * 2_000}", line 1, in f').message) <= MAX_MESSAGE_CHARACTERS
    assert print_of(None, None, "downloading 12%\nbash: line 17: curl: command not found\n").message == (
        "bash: line <num>: curl: command not found"
    )


def test_stderr_makes_no_difference_where_there_is_a_message() -> None:
    assert print_of("ExitCode1", "disk full", "reading a\n") == print_of("ExitCode1", "disk full", "reading b\n")
    assert print_of("ExitCode1", None, "reading a\n") != print_of("ExitCode1", None, "reading b\n")


def test_of_an_unknown_format_the_last_lines_are_what_is_known() -> None:
    found = print_of(None, None, "zero\n\none 1\ntwo\n  three\nfour\nfive 55\n\n")
    assert (found.message, found.basis) == ("five <num>", Basis.LINES)
    assert found == print_of(None, None, "other\none 2\ntwo\n  three\nfour\nfive 55\n")
    assert found.key != print_of(None, None, "one 1\ntwo\nthree\nFour\nfive 55\n").key
    assert print_of(None, None, "\n" * 262_144).basis is Basis.PLACE


def test_of_an_unknown_format_the_files_that_it_names_and_its_last_line_are_what_is_known() -> None:
    found = print_of(None, None, "reading a\n/srv/orders.R:12: in price\nhalted\n")
    assert (found.message, found.basis) == ("halted", Basis.FILES)
    assert found == print_of(None, None, "reading b\n/app/orders.R:15: in price\nhalted\n")
    assert found.key != print_of(None, None, "reading a\n/srv/refunds.R:12: in price\nhalted\n").key
    assert found.key != print_of(None, None, "reading a\n/srv/orders.R:12: in price\nno memory\n").key
    assert print_of("E", "x", "/srv/a.R:1: x") == print_of("E", "x", "/srv/b.R:1: x")


@given(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.uuids(), st.datetimes(), st.integers(1, 99_999)
)
def test_numbers_ids_times_and_lines_do_not_change_the_key(
    number: int, decimal: float, uuid: UUID, at: object, line: int
) -> None:
    message = f"order {number} of {uuid} costs {decimal}, at {at}, in /srv/{uuid}/{number}"
    found = print_of("E", message, TRACE.format(line=line, folder=f"/tmp/{uuid}"))
    assert found.message == "order <num> of <uuid> costs <num>, at <time>, in <path>"
    first = print_of("E", found.message, TRACE.format(line=1, folder="/srv"))
    assert found == first


@given(*[st.none() | JUNK] * 5)
def test_any_failure_has_a_fingerprint(
    type_: str | None, message: str | None, stack: str | None, workflow: str | None, step: str | None
) -> None:
    found = print_of(type_, message, stack, workflow=workflow, step=step)
    assert re.fullmatch("[0-9a-f]{32}", found.key)
    assert 0 < len(found.message) <= MAX_MESSAGE_CHARACTERS


@given(st.binary())
def test_half_surrogate_pairs_have_a_fingerprint(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert print_of(None, text, text).key == print_of(None, text, text).key


# The failures of the Galaxy sample
