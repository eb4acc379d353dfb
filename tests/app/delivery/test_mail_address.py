"""Addresses that mail can be sent to: one each, in ASCII, and nothing that could become a header."""

from __future__ import annotations

import socket
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.delivery.mail_address import MAX_LENGTH, checked_mail_address
from app.errors import BadInput

LONGEST = "a" * 64 + "@" + ".".join(["b" * 63] * 2 + ["c" * 61])


@pytest.mark.parametrize(
    "text",
    [
        *("ops@example.com", "Ops.On-Call+night@Example.COM", "POSTMASTER@example.com", "a=?utf-8?q?b?=@b.example"),
        "!#$%&'*+/=?^_`{|}~-@b.example",
        *("ops@localhost", "ops@mailhost", "ops@corp.local", "ops@b.test", "ops@1.2.3", "ops@a--b.example"),
        *("ops@xn--bcher-kva.example", "a" * 64 + "@b.example", "a@" + "b" * 63 + ".example", LONGEST),
    ],
)
def test_an_address_stays_as_it_was_given(text: str) -> None:
    assert checked_mail_address(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ops@bücher.example", "ops@xn--bcher-kva.example"),
        ("Ops@BÜCHER.example", "Ops@xn--bcher-kva.example"),
        ("ops@bu\u0308cher.example", "ops@xn--bcher-kva.example"),  # u and its dots apart
        ("ops@пример.рф", "ops@xn--e1afmkfd.xn--p1ai"),
        ("ops@b。example", "ops@b.example"),  # an ideographic full stop
        ("ops@faß.example", "ops@xn--fa-hia.example"),  # IDNA 2008, not "fass"
    ],
)
def test_an_internationalised_domain_becomes_ascii(text: str, expected: str) -> None:
    assert checked_mail_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "ops", "ops@", "@example.com", "a@b@c.example", "a@b, c@d", "a@b.example,c@d.example", "a@b;c@d"),
        # Names, comments and quotes.
        *("Ops <ops@example.com>", "<ops@example.com>", "ops(x)@example.com", "ops@(x)example.com"),
        *('"a b"@example.com', '"ops"@example.com', '"ops\\\r\nBcc: x"@example.com', "ops:@example.com"),
        # Encoded words, which some read as what they stand for.
        *("=?utf-8?q?ops?= <a@b.example>", "=?utf-8?q?ops?=@b.example", "=?us-ascii?q?a=0D=0ABcc:?=@b.example"),
        # What could end a header or a command.
        *("ops@example.com\nBcc: all@example.com", "ops\r@example.com", "ops@example.com\r\nDATA", "ops\n@example.com"),
        *(f"ops{each}@example.com" for each in "\0\t\x0b\x0c\x1c\x1f\x7f\x85\u2028\u2029\u200b\ufeff\ud800"),
        *(f"ops@exam{each}ple.com" for each in " \0\t\n\r\x0b\x0c\x1c\x7f\x85\xa0\u2028\u2029\u200b\u202e\ufeff\ud800"),
        *(f"ops@example.com{each}" for each in " \n\r\t\u2028\u3000"),
        *(" ops@example.com", "\nops@example.com"),
        # Forms.
        *("a..b@example.com", ".ops@example.com", "ops.@example.com", "ops@example..com", "ops@-example.com"),
        *("ops@example.com.", "ops@.example.com", "ops@a-.example", "ops@a_b.example", "ops@[127.0.0.1]", "ops@[::1]"),
        *("ops@ab--c.example", "ops@xn--.example", "ops@☃.example", "ops＠example.com", "ops@exa／mple.com"),
        # Only ASCII before the @.
        *("öps@example.com", "оps@example.com", "ops\u0301@example.com"),
        # Lengths: of the part before the @, of a label, of the whole, also in ASCII.
        *("a" * 65 + "@example.com", "a@" + "b" * 64 + ".example", LONGEST + "d", "a@" + "ü" * 60 + ".example"),
        *("ops@" + "e" * MAX_LENGTH + ".com", "ops@" + ".".join(["ü" * 40] * 5), "a@" + "é" * 1_000_000),
    ],
    ids=lambda text: repr(text)[:40],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not an e-mail address"):
        checked_mail_address(text)


def test_nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "socket")
    monkeypatch.delattr(socket, "getaddrinfo")
    assert checked_mail_address("ops@no-such-host.invalid") == "ops@no-such-host.invalid"


WORDS = st.sampled_from(["=?utf-8?q?", "?=", "=0A", "xn--", "\r\n", "bücher", ".example"])
NEAR = st.lists(st.one_of(WORDS, st.sampled_from("aZ9.-_@+\"'\\<>()[],;: \r\n\0ü。=?")), max_size=20).map("".join)


@given(st.one_of(NEAR, st.tuples(NEAR, NEAR).map("@".join), st.text(max_size=40), st.emails()))
@example("a@bücher.example")
def test_what_is_accepted_is_one_recipient(text: str) -> None:
    """It makes one header and one command, and reads as itself."""
    try:
        address = checked_mail_address(text)
    except BadInput:
        return
    assert address.isascii()
    assert address.isprintable()
    assert not set(address) & set(' "<>()[],;:\\')
    assert address.count("@") == 1
    assert len(address) <= MAX_LENGTH
    message = EmailMessage(SMTP)
    message["To"] = Address(addr_spec=address)
    read = message_from_bytes(bytes(message), policy=policy.default)
    assert [str(each) for each in read["to"].addresses] == [address]
    assert checked_mail_address(address) == address
