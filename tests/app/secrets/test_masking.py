"""Known secrets in free text are masked wherever they appear, in whatever order they became known."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.secrets.masking import Masker, Withholder, worth_masking
from app.secrets.redaction import MASK

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        (SECRET, f"a {SECRET} b {SECRET}", f"a {MASK} b {MASK}"),
        (SECRET, SECRET * 2, MASK * 2),
        (f"  {SECRET}\n", f"key={SECRET}", f"key={MASK}"),
        ('say "hello"', 'body: {"x": "say \\"hello\\""}', f'body: {{"x": "{MASK}"}}'),
        ("päss/wörd", f"url?p={'p%C3%A4ss%2Fw%C3%B6rd'}", f"url?p={MASK}"),
        ("päss wörd", json.dumps({"p": "päss wörd"}), f'{{"p": "{MASK}"}}'),
        ("two words", "q=two+words", f"q={MASK}"),
        (f"Bearer {SECRET}", f"curl -H 'authorization: {SECRET}'", f"curl -H 'authorization: {MASK}'"),
        ("short", "short", "short"),
        ("•••••••", "•••••••", "•••••••"),
        ("********", "a line: ********", "a line: ********"),
        ("aaaaaa", "aaaaaaa", MASK),
        ("aaaaaa", "aaaaaaaa", MASK),
        ("ababab", "xabababab", f"x{MASK}"),
        ("Bearer " * 1_000 + SECRET, f"token {SECRET}", f"token {SECRET}"),
        ("abc/def/ghi", r'php: {"x":"abc\/def\/ghi"}', f'php: {{"x":"{MASK}"}}'),
        ("a<b>&c-d", r"go: a\u003cb\u003e\u0026c-d", f"go: {MASK}"),
        ("pa(ss)w/ord!'*", "js: pa(ss)w%2Ford!'*", f"js: {MASK}"),
        ("päss/wörd", "lower: p%c3%a4ss%2fw%c3%b6rd", f"lower: {MASK}"),
        ("-----BEGIN-----\nMIIEvQIBADANBgkqhkiG\nshort\n", "line 2: MIIEvQIBADANBgkqhkiG", f"line 2: {MASK}"),
        ("-----BEGIN-----\n0123456789abcde\n", "15 in a line: 0123456789abcde", "15 in a line: 0123456789abcde"),
        ("-----BEGIN-----\r0123456789abcdef\r", "16 in a line: 0123456789abcdef", f"16 in a line: {MASK}"),
        ("Basic " + "x" * 5, "too short alone: xxxxx", "too short alone: xxxxx"),
        ("Basic " + "x" * 6, "long enough: xxxxxx", f"long enough: {MASK}"),
    ],
)
def test_texts(value: str, text: str, shown: str) -> None:
    assert Masker([value]).text(text) == shown


def test_secret_cut_in_two_by_the_bound_of_a_text() -> None:
    masker = Masker([SECRET])
    assert masker.text(f"a {SECRET[:9]}", cut=True) == f"a {MASK}"
    assert masker.text(f"a {SECRET[:9]}") == f"a {SECRET[:9]}"
    assert masker.text(f"a {SECRET[:3]}", cut=True) == f"a {SECRET[:3]}"
    assert masker.text(SECRET[:5], cut=True) == MASK


@pytest.mark.parametrize("value", [SECRET, 'say "hello"', "päss/wörd", "aaaaaa", "ababab-ababab"])
def test_a_secret_that_is_cut_at_any_length_is_masked(value: str) -> None:
    masker = Masker([value])
    for length in range(1, len(value) + 1):
        text = f"it is: {value[:length]}"
        shown = f"it is: {MASK}" if length >= 4 else text
        assert masker.text(text, cut=True) == shown
        assert masker.text(value[:length], cut=True) == (MASK if length >= 4 else value[:length])
        assert masker.text(text) == (f"it is: {MASK}" if length == len(value) else text)


@pytest.mark.slow
def test_a_secret_that_overlaps_with_itself_costs_what_another_does() -> None:
    assert Masker(["-" * 32_000]).text("-" * 262_144) == MASK
    assert Masker(["a" * 4_000 + "b"]).text("a" * 262_144) == "a" * 262_144


def test_a_long_secret_is_masked_in_pieces() -> None:
    secret = "".join(f"{number:05}" for number in range(4_000))
    shown = Masker([secret]).text(f"<{secret}>")
    assert shown.strip(MASK) == "<" + MASK * 5 + ">"
    assert max(map(len, worth_masking([secret]))) == 4_096


def test_json_stays_json() -> None:
    masker = Masker(["nsecret", 'quo"ted', "tab\tbed"])
    text = json.dumps({"a": "\nsecret", "b": "a nsecret", "c": ['quo"ted', "tab\tbed"], "nsecret": 1.50}).replace(
        "1.5", "1.50"
    )
    assert masker.json(text) == '{"a": "\\nsecret", "b": "a •••", "c": ["•••", "•••"], "•••": 1.50}'
    assert masker.json('{"a":   1.0}') == '{"a":   1.0}'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f'{{"a":  "{SECRET}"}}', f'{{"a":  "{MASK}"}}'),
        (r'{"a":  "\u0068unter2-hunter2"}', f'{{"a":  "{MASK}"}}'),
        (r'{"a":  "b\n"}', r'{"a":  "b\n"}'),
        (f'{{"a":  "a raw line\nend {SECRET}"}}', f'{{"a":  "a raw line\\nend {MASK}"}}'),
        (f'{{"a":  "{SECRET[:9]}"}}', f'{{"a":  "{SECRET[:9]}"}}'),
    ],
)
def test_the_strings_of_json_are_masked(text: str, shown: str) -> None:
    assert Masker([SECRET]).json(text) == shown


def test_a_string_of_json_that_was_cut() -> None:
    text = f'{{"a":  "{SECRET[:9]}"}}'
    assert Masker([SECRET]).json(text, cut=True) == f'{{"a":  "{MASK}"}}'
    assert Masker(["another"]).json(text, cut=True) == text


def test_who_cannot_read_the_secrets_shows_nothing() -> None:
    masker = Withholder()
    assert (masker.text("hello"), masker.text("", cut=True)) == (MASK, MASK)
    assert (masker.json('{"a": 1}'), masker.json("[]", cut=True)) == (f'"{MASK}"', f'"{MASK}"')


def test_one_secret_within_another_in_any_order() -> None:
    inner, outer = "s3cr3t-value", "postgres://user:s3cr3t-value@host/db"
    for text in (f"cannot connect to {outer}", f"{inner} and {outer}", outer[5:]):
        expected = Masker([inner, outer]).text(text)
        for first, second in permutations([inner, outer]):
            assert Masker([second], [first]).text(Masker([first]).text(text)) == expected
            assert inner not in expected
            assert outer not in expected


@pytest.mark.parametrize("outer", [f"{SECRET}!", f"sa:{SECRET}", f"{SECRET} {SECRET}", f"x{SECRET}x"])
def test_a_secret_within_one_that_is_hardly_longer(outer: str) -> None:
    text = f"no entry for {outer} here"
    late = Masker([outer], [SECRET]).text(Masker([SECRET]).text(text))
    assert late == Masker([SECRET, outer]).text(text) == f"no entry for {MASK} here"


_words = st.text('abc•"\\ /é', min_size=6, max_size=12)


@given(st.lists(_words, min_size=1, max_size=4), st.lists(_words | st.text("abc ", max_size=6), max_size=8))
def test_no_secret_is_left(secrets: list[str], parts: list[str]) -> None:
    text = " ".join([*parts, *secrets])
    shown = Masker(secrets).text(text)
    for secret in worth_masking(secrets):
        if len(secret.replace("•", "")) >= 4 and MASK not in secret:
            assert secret not in shown
    attributes = json.dumps({"k": text})
    assert json.loads(Masker(secrets).json(attributes)) == {"k": shown}


@given(st.lists(st.text("abcdefgh", min_size=8, max_size=8), min_size=2, max_size=4, unique=True), st.randoms())
def test_late_secrets_give_what_early_ones_give(secrets: list[str], choice: object) -> None:
    text = "-".join(secrets)
    at_once = Masker(secrets).text(text)
    known: list[str] = []
    for secret in secrets:
        text = Masker([secret], known).text(text)
        known.append(secret)
    assert text == at_once == "-".join([MASK] * len(secrets))
