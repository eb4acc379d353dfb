"""Idempotency keys: which texts can be one."""

from __future__ import annotations

import pytest

from app.errors import BadInput
from app.idempotency import MAX_KEY_LENGTH, check_key


@pytest.mark.parametrize("key", [None, "a", "ein Klick ü", "k" * MAX_KEY_LENGTH])
def test_keys(key: str | None) -> None:
    check_key(key)


@pytest.mark.parametrize("key", ["", "k" * (MAX_KEY_LENGTH + 1), "a\0b", "a\n", "\ud800"])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(BadInput, match=r"^idempotencyKey: must "):
        check_key(key)
