"""Where the tasks of a canvas stand, from its signatures alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwatch_client.celery import guard, ids, marks
from runwatch_client.celery.marks import Mark, Plan

pytestmark = pytest.mark.slow

LEAVES = st.sampled_from("abc").map(lambda name: {"task": name, "args": [], "kwargs": {}, "options": {}})


def canvas(kind: str, parts: list[Any]) -> dict[str, Any]:
    """A chain, group or chord as Celery writes it."""
    if kind == "chord":
        kwargs: dict[str, Any] = {"header": canvas("group", parts[:-1]), "body": parts[-1]}
    else:
        kwargs = {"tasks": parts}
    return {"task": f"celery.{kind}", "args": [], "kwargs": kwargs, "options": {"task_id": "canvas"}}


CANVASES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        canvas, st.sampled_from(["chain", "group", "chord"]), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=12,
)


def numbered(signature: dict[str, Any], ids: list[str]) -> dict[str, Any]:
    """The same with an id for each task, as when it is published."""
    kind, inner = marks.parts(signature)
    if kind == "task":
        ids.append(f"id-{len(ids)}")
        return signature | {"options": {"task_id": ids[-1], "queue": "fast", "root_id": "root", "reply_to": "me"}}
    return canvas(kind, [numbered(part, ids) for part in inner])


@given(st.lists(CANVASES, min_size=1, max_size=4), st.integers(0, 5))
def test_members_of_a_group_do_not_share_indexes(members: list[dict[str, Any]], base: int) -> None:
    plan = Plan("run", base, members, (99,), 3)
    given_out = [plan.take() for _ in members]
    spans = [range(mark.step, mark.step + marks.width(member)) for mark, member in zip(given_out, members, strict=True)]
    assert [index for span in spans for index in span] == list(range(base, base + sum(map(len, spans))))
    assert {(mark.run, mark.join, mark.size) for mark in given_out} == {("run", (99,), 3)}


@given(CANVASES)
def test_ends_are_tasks_of_the_canvas(signature: dict[str, Any]) -> None:
    made: list[str] = []
    found = numbered(signature, made)
    ends = list(marks.ends(found))
    assert len(made) == marks.width(found) == len(list(marks.names(found)))
    assert set(ends) <= set(made)
    assert len(ends) == len(set(ends)) >= 1
    assert made[-1] in ends


@given(CANVASES)
def test_ids_are_left_out_and_nothing_else(signature: dict[str, Any]) -> None:
    plain = marks.without_ids(numbered(signature, []))
    assert "id-" not in str(plain)
    assert "root" not in str(plain)
    assert list(marks.names(plain)) == list(marks.names(signature))
    assert str(plain).count("'queue': 'fast'") == marks.width(signature)


@given(st.builds(Mark, st.text(), st.integers(0, 999), st.lists(st.integers(), max_size=3).map(tuple), st.none()))
def test_a_mark_travels(mark: Mark) -> None:
    assert marks.read(mark.header()) == mark


def test_an_id_that_is_used_again_is_another_run() -> None:
    used = ids.Recent(2)
    generated = "1f0d0c3e-6a8b-4a54-9d0e-2f7b8c9d0e1f"
    assert ids.external_id(generated, used.add) == generated
    again = [ids.external_id(one, used.add) for one in (generated, "nightly", "nightly")]
    assert len(set(again)) == 3
    for run, id_ in zip(again, (generated, "nightly", "nightly"), strict=True):
        assert Mark(run, 0).is_of(id_)
        assert not Mark(run, 1).is_of(id_)
    assert ids.external_id(generated.replace("-", ""), used.add) == generated.replace("-", "")
    for number in range(3):
        used.add(number)
    assert not used.add(0), "only the last two are remembered"


@pytest.mark.parametrize("header", [None, "text", {}, {"run": "r"}, {"run": "r", "step": "x"}, {"step": 1}])
def test_malformed_mark_is_none(header: Any) -> None:
    assert marks.read(header) is None


def test_a_failure_of_ours_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("ours")

    for _ in range(3):
        assert guard("a test", fail) is None
    assert [record.getMessage() for record in caplog.records] == [
        "Reporting a test to Runwatch failed; the task is not affected. Logged once."
    ]
