"""Operations on sockets: how many, and how long their documents are together."""

from __future__ import annotations

import pytest

from app.errors import LimitExceeded
from app.graphql.running import Running
from app.graphql.socket import Limits


@pytest.mark.parametrize(
    ("limits", "refused"),
    [
        (Limits(operations_of_viewer=3), ("a", "one")),
        (Limits(operations_of_all=4), ("c", "one")),
        (Limits(characters_of_viewer=13), ("a", "twelve")),
        (Limits(characters_of_all=13), ("c", "twelve")),
    ],
    ids=["operations of one", "operations of all", "characters of one", "characters of all"],
)
def test_bounds(limits: Limits, refused: tuple[str, str]) -> None:
    running = Running(limits)
    kept = [("a", "one"), ("a", "one"), ("a", "three"), ("b", "three")]
    for each in kept:
        running.begin(*each)
    assert (running.total, running.characters) == (4, 13)
    with pytest.raises(LimitExceeded):
        running.begin(*refused)
    assert (running.total, running.characters) == (4, 13), "the refused one does not count"
    for each in kept:
        running.end(*each)
    assert (running.total, running.characters) == (0, 0)
    running.begin(*refused)


def test_text_counts_until_the_last_operation_that_has_it_ends() -> None:
    running = Running(Limits(characters_of_viewer=5))
    running.begin("a", "three")
    running.begin("a", "three")
    running.end("a", "three")
    with pytest.raises(LimitExceeded):
        running.begin("a", "x")
    running.end("a", "three")
    running.begin("a", "x")
