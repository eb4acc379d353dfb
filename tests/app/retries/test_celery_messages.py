"""The message that is published for a retry, rebuilt from the trigger's data."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.delivery.port import NotDelivered
from app.retries.celery_messages import PUBLICATION, RESTORE, RETRY_OF, START, Message, message_of
from app.retries.port import RetryRequest


def request(data: Any, attempts: int = 1, row: str = "019ab0112f7b7c3e9d5a41c2b8e60f17") -> RetryRequest:
    """A retry of an execution with this trigger data."""
    return RetryRequest(row, attempts, "execution_2", "external", "execution_1", "shop.add", "celery", json.dumps(data))


def task(name: str, *args: Any, **options: Any) -> dict[str, Any]:
    """A signature."""
    return {"task": name, "args": list(args), "kwargs": {}, "options": options, "subtask_type": None}


def canvas(kind: str, **kwargs: Any) -> dict[str, Any]:
    """A signature with others in it."""
    return {"task": f"celery.{kind}", "args": [], "kwargs": kwargs, "options": {}, "subtask_type": kind}


CHORD = canvas("chord", header=[task("b"), canvas("chain", tasks=[task("c"), task("d")])], body=task("e"), kwargs={})
WITH_ALL = {
    "args": [1, {"__type__": "datetime", "__value__": "2026-01-01T00:00:00"}],
    "kwargs": {"n": 12345678901234567890},
    "queue": "slow",
    "chain": [task("a"), CHORD, canvas("group", tasks=[task("f"), task("g")])],
    "link": [task("h")],
    "link_error": [task("i")],
}


def ids_of(message: Message) -> list[str]:
    """All task ids in it, in their order."""

    def within(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["task_id"]] if isinstance(part.get("task_id"), str) else []
            return own + [id_ for each in part.values() for id_ in within(each)]
        return [id_ for each in part for id_ in within(each)] if isinstance(part, list) else []

    return within(message.args) + within(message.more.get("chain", []))


def test_what_has_a_name_of_its_own_begins_with_its_task() -> None:
    assert message_of(request(WITH_ALL | {"task": "shop.first"})).task == "shop.first"
    with pytest.raises(NotDelivered, match="task has the wrong type"):
        message_of(request(WITH_ALL | {"task": 7}))


def test_arguments_with_the_names_of_their_parameters_are_positional_again() -> None:
    first = task("a") | {"args": {"x": 1, "y": 2}}
    data = {
        "args": {"b": 1, "a": 2},
        "chain": [canvas("chain", tasks=[first])],
        "link": [canvas("group", tasks=[first])],
    }
    message = message_of(request(data))
    assert message.args == [1, 2]
    for made in (message.more["chain"][0], message.more["link"][0]):
        assert [each["args"] for each in made["kwargs"]["tasks"]] == [[1, 2]]
    [sent] = message_of(request({"group": [first], "chord": first})).args
    assert (sent["group"][0]["args"], sent["chord"]["args"]) == ([1, 2], [1, 2])


def test_a_message_that_was_kept_goes_back_as_it_is() -> None:
    def brought(data: Any) -> Message:
        return message_of(replace(request(data), trigger_message="1.signed"))

    message = brought(WITH_ALL)
    assert (message.task, message.args, message.kwargs, message.more) == (RESTORE, ["1.signed"], {}, {})
    assert (message.task_id, message.queue, message.headers[RETRY_OF]) == ("external", "slow", "execution_1")
    assert brought({"group": [task("a")]}).task == RESTORE
    assert brought(None).queue == "celery"
    with pytest.raises(NotDelivered, match="exchange"):
        brought({"args": [], "exchange": "own"})


def test_a_task_gets_what_the_original_got() -> None:
    message = message_of(request(WITH_ALL))
    assert (message.task, message.task_id, message.queue) == ("shop.add", "external", "slow")
    assert (message.args, message.kwargs) == (WITH_ALL["args"], WITH_ALL["kwargs"])
    assert [each["task"] for each in message.more["chain"]] == ["celery.group", "celery.chord", "a"], "the next last"
    assert (message.more["link"], message.more["link_error"]) == (WITH_ALL["link"], WITH_ALL["link_error"])
    assert message.headers[RETRY_OF] == "execution_1"


def test_ids_are_renewed_once_and_each_publication_has_a_name() -> None:
    first, second = (message_of(request(WITH_ALL, attempts=attempts)) for attempts in (1, 2))
    assert len(ids_of(first)) == len(set(ids_of(first))) == 9, "seven tasks, a chord and a group"
    assert ids_of(first) == ids_of(second)
    assert set(ids_of(first)).isdisjoint(ids_of(message_of(request(WITH_ALL, row="f" * 32))))
    again = message_of(request(WITH_ALL, attempts=1))
    names = [message.headers[PUBLICATION] for message in (first, second, again)]
    assert len(set(names)) == 3, "also when a restored database counts from there once more"
    assert all(name.startswith("019ab0112f7b7c3e9d5a41c2b8e60f17/") for name in names)


def test_a_group_or_chord_is_one_message_to_the_hook() -> None:
    data = {"group": [task("a", 1), CHORD], "queue": "slow"}
    message = message_of(request(data))
    assert (message.task, message.task_id, message.queue, message.kwargs) == (START, "external", "slow", {})
    [sent] = message.args
    assert [each["task"] for each in sent["group"]] == ["a", "celery.chord"]
    assert "chord" not in sent
    assert len(set(ids_of(message))) == 6
    with_callback = {**data, "chord": task("z"), "chain": [task("y")]}
    [sent] = message_of(request(with_callback)).args
    assert (sent["chord"]["task"], [each["task"] for each in sent["chain"]]) == ("z", ["y"])
    assert sent["chord"]["options"]["task_id"]


def test_moments_that_have_passed_are_left_out() -> None:
    kept = {"countdown": 5, "expires": 60, "queue": "q", "headers": {"a": 1}}
    [sent] = message_of(request({"group": [task("a", eta="2026-01-01T00:00:00", **kept)]})).args
    options = sent["group"][0]["options"]
    assert options.pop("task_id")
    assert options == kept
    moment = {"__type__": "datetime", "__value__": "2026-01-01T00:00:00"}
    [sent] = message_of(request({"group": [task("a", expires=moment)]})).args
    assert set(sent["group"][0]["options"]) == {"task_id"}


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        "args",
        [],
        {},
        {"order": 1},
        {"args": "a"},
        {"args": [], "kwargs": [1]},
        {"args": [], "queue": 5},
        {"args": [], "chain": {"task": "a"}},
        {"args": [], "chain": ["a"]},
        {"args": [], "chain": [{"task": 5}]},
        {"args": [], "chain": [{"task": "a", "options": []}]},
        {"args": [], "chain": [{"task": "celery.chain", "kwargs": {}}]},
        {"args": [], "link": "a"},
        {"group": []},
        {"group": {"task": "a"}},
        {"group": [{"task": "celery.chord", "kwargs": {"header": []}}]},
        {"group": [{"task": "a"}], "chord": [1]},
        {"args": [], "exchange": "media"},
    ],
)
def test_other_data_are_refused_for_good(data: Any) -> None:
    with pytest.raises(NotDelivered) as refused:
        message_of(request(data))
    assert refused.value.final


def test_numbers_that_python_does_not_read_are_refused() -> None:
    huge = RetryRequest("f" * 32, 1, "e", "x", "o", "w", "celery", f'{{"args": [{"9" * 5000}]}}')
    with pytest.raises(NotDelivered, match="digits"):
        message_of(huge)
