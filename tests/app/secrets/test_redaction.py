"""Secrets in JSON: found at any depth, masked, and put back to the byte."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.secrets import redaction
from app.secrets.redaction import DEFAULT_SEALED_KEYS, MASK, SealedKeys, restored

KEYS = SealedKeys(DEFAULT_SEALED_KEYS.split(","))

NAMES = [
    "password",
    "DB_PASSWORD",
    "x-api-key",
    "Set-Cookie",
    "client secret",
    "accessToken",
    "p\tassword",
    "n",
    "tokens",
]


@pytest.mark.parametrize(
    ("name", "sealed"),
    [
        ("password", True),
        ("Password", True),
        ("db_password", True),
        ("password2", False),
        ("x-api-key", True),
        ("API KEY", True),
        ("apiKeys", False),
        ("tokenizer", False),
        ("refresh.token", True),
        ("Authorization", True),
        ("authorized", False),
        ("connectionString", True),
        ("to_ken", True),
        ("pass-wd!", True),
        ("ap\u0130key", True),  # in lower case an i and a dot above it
        ("secreté", False),
        ("the to\u212aen", True),  # the Kelvin sign is a k in lower case
        ("", False),
    ],
)
def test_the_end_of_the_name_decides(name: str, sealed: bool) -> None:
    assert KEYS.seals(name) is sealed
    for text in (json.dumps({name: "value"}), json.dumps({name: "value"}, ensure_ascii=False)):
        assert (KEYS.redact(text) is not None) is sealed, text


_ODD: st.SearchStrategy[Any] = st.recursive(
    st.text('p"\\\n:{}[], é') | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('p"\\\n:{}[], é', max_size=5), inner, max_size=4)
    ),
)


@given(_ODD, st.booleans())
def test_keys_of_a_long_text_are_found_in_pieces(value: object, ascii_: bool) -> None:
    """A text is long for threads that wait meanwhile; keys are those of its objects, whatever strings look like."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            found |= each.keys()
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "LONG", 0)
        patch.setattr(redaction, "_SOME", re.compile(redaction._SOME.pattern.replace("{1,4000}", "{1,2}"), re.DOTALL))
        for separators in ((",", ":"), (" , ", " \n: ")):
            text = json.dumps(value, ensure_ascii=ascii_, separators=separators)
            assert {json.loads(key) for key in redaction._keys_in(text)} == found


def test_the_whole_value_is_masked_and_named() -> None:
    text = '{"a": [1, {"token" : {"x": [true, "deep"]} , "b": 1.10}], "~/": {"Cookie":null}, "password":1234567890123 }'
    redacted = KEYS.redact(text)
    assert redacted is not None
    assert redacted.text == '{"a": [1, {"token" : "•••" , "b": 1.10}], "~/": {"Cookie":"•••"}, "password":"•••" }'
    assert redacted.paths == ("/a/1/token", "/~0~1/Cookie", "/password")
    assert redacted.values == {"deep"}
    assert restored(redacted.text, redacted.parts) == text


def test_an_escaped_name_is_read_as_what_it_means() -> None:
    redacted = KEYS.redact('{"pass\\u0077ord": "a\\"b\\ud800\\u0000"}')
    assert redacted is not None
    assert redacted.paths == ("/password",)
    assert redacted.values == {'a"b\ufffd\ufffd'}


def test_a_name_within_a_value_is_no_key() -> None:
    for value in ('"password": 1', '{"token": 2}', '\\"secret\\":'):
        assert KEYS.redact(json.dumps({"text": value})) is None
        assert KEYS.redact(json.dumps(["password", value])) is None


@pytest.mark.parametrize("text", ["null", '"password"', "1", "[]", "{}", '[["token"]]'])
def test_json_without_keys_has_no_secrets(text: str) -> None:
    assert KEYS.redact(text) is None


def test_other_rules() -> None:
    assert SealedKeys([]).redact('{"password": 1}') is None
    assert SealedKeys([" ", ""]).redact('{"": 1}') is None
    pin = SealedKeys(["PIN code"]).redact('{"pin-code": 1, "password": 2}')
    assert pin is not None
    assert pin.paths == ("/pin-code",)
    umlaut = SealedKeys(["schlüssel"]).redact('{"Haus-Schl\\u00fcssel": 1}')
    assert umlaut is not None


def test_a_string_of_quotes_is_read_once() -> None:
    text = json.dumps({"text": '"' * 200_000, "token": "x"})
    redacted = KEYS.redact(text)
    assert redacted is not None
    assert redacted.paths == ("/token",)


def test_paths_are_bounded_and_secrets_are_not() -> None:
    text = json.dumps({"k" * 50_000: [{"token": f"value-{number}"} for number in range(3_000)]})
    redacted = KEYS.redact(text)
    assert redacted is not None
    assert len(redacted.paths) == 1
    assert len(redacted.values) == len(redacted.parts) == 3_000
    redacted = KEYS.redact(json.dumps([{"token": number} for number in range(3_000)]))
    assert redacted is not None
    assert redacted.paths == tuple(f"/{number}/token" for number in range(1_000))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=4),
    max_leaves=20,
)


def model(value: Any, path: str = "") -> tuple[Any, list[str], set[str]]:
    """What redacting must give, on parsed JSON."""
    if isinstance(value, list):
        parts = [model(each, f"{path}/{number}") for number, each in enumerate(value)]
        paths = [each for part in parts for each in part[1]]
        return [part[0] for part in parts], paths, set().union(*(part[2] for part in parts))
    if not isinstance(value, dict):
        return value, [], set()
    shown, paths, secrets = {}, [], set[str]()
    for key, each in value.items():
        below = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
        if KEYS.seals(key):
            shown[key] = MASK
            paths.append(below)
            secrets |= strings(each)
        else:
            shown[key], more, found = model(each, below)
            paths += more
            secrets |= found
    return shown, paths, secrets


def strings(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value.replace("\0", "\ufffd")}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(strings, inner))


@pytest.mark.slow
@given(_JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_redaction_equals_walking_the_parsed_json(value: Any, indent: Any, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    shown, paths, secrets = model(value)
    redacted = KEYS.redact(text)
    if redacted is None:
        assert paths == []
        return
    assert json.loads(redacted.text) == shown
    assert list(redacted.paths) == paths
    assert redacted.values == secrets
    assert restored(redacted.text, redacted.parts) == text
