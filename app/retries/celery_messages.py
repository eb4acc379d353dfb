"""The messages of Celery retries, rebuilt from the trigger data of what was once published (docs/client.md)."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.delivery.port import NotDelivered
from app.retries.port import RetryRequest

# The worker's hook reads these: a retry runs once, even when it is published twice.
RETRY_OF = "x-retry-of"
PUBLICATION = "x-runwatch-publication"
# The hook's task that starts a group or chord: only workers know where its members' results are kept.
START = "runwatch.start"
# What the hook makes the original message of, once it knows its signature. Other workers throw it away.
RESTORE = "runwatch.restore"
# Celery's own default, which the client leaves out.
DEFAULT_QUEUE = "celery"

# The tasks that stand for a canvas, and where their parts are.
_CANVAS = {"celery.chain": ("tasks",), "celery.group": ("tasks",), "celery.chord": ("header", "body")}


@dataclass(frozen=True, slots=True)
class Message:
    """The arguments of Celery's send_task. `more`: chain (the next one last), link, link_error."""

    task: str
    task_id: str
    args: list[Any]
    kwargs: dict[str, Any]
    queue: str
    headers: dict[str, str]
    more: dict[str, Any] = field(default_factory=dict)


def message_of(request: RetryRequest) -> Message:
    """The one message of a retry. Raises NotDelivered for data that does not describe a Celery task."""
    try:
        data = json.loads(request.trigger_data)
    except ValueError as error:  # a number of more than 4,300 digits
        raise _unfit(str(error)) from None
    if data is None and request.trigger_message is not None:
        data = {}
    if not isinstance(data, dict):
        raise _unfit("not an object")
    if exchange := data.get("exchange"):
        raise NotDelivered(
            f"Runwatch cannot publish to the exchange {exchange!r}, which the original went through", final=True
        )
    ids = _new_ids(request)
    common: dict[str, Any] = {
        "task_id": request.external_id,
        "queue": _given(data, "queue", str) or DEFAULT_QUEUE,
        # Not only the number of the attempt: after a restored backup it may come twice.
        "headers": {
            RETRY_OF: request.retry_of,
            PUBLICATION: f"{request.id}/{request.attempts}/{secrets.token_hex(4)}",
        },
    }
    if request.trigger_message is not None:
        return Message(RESTORE, args=[request.trigger_message], kwargs={}, **common)
    if "group" in data:
        canvas: dict[str, Any] = {"group": _renewed_all(data["group"], ids)}
        if not canvas["group"]:
            raise _unfit("empty group")
        if data.get("chord") is not None:
            canvas["chord"] = _renewed(data["chord"], ids)
        canvas["chain"] = _renewed_all(data.get("chain") or [], ids)
        return Message(START, args=[canvas], kwargs={}, **common)
    if "args" not in data:
        raise _unfit("neither args nor a group")
    data = _listed_in(data)
    more = {
        "chain": _renewed_all(data.get("chain") or [], ids)[::-1] or None,
        # Without ids: each is its own execution, which gets an id when it starts.
        "link": _unnamed(_given(data, "link", list)),
        "link_error": _unnamed(_given(data, "link_error", list)),
    }
    args, kwargs = _given(data, "args", list) or [], _given(data, "kwargs", dict) or {}
    task = _given(data, "task", str) or request.workflow  # a chain, or what somebody named, has a name of its own
    return Message(task, args=args, kwargs=kwargs, more=more, **common)


def _given(data: Mapping[str, Any], name: str, kind: type) -> Any:
    """A member of the data, which may be missing or null."""
    value = data.get(name)
    if value is not None and not isinstance(value, kind):
        raise _unfit(f"{name} has the wrong type")
    return value


def _new_ids(request: RetryRequest) -> Iterator[str]:
    """New task ids, the same ones at each attempt: derived from the id of the outbox row."""
    number = 0
    while True:
        number += 1
        yield str(uuid.uuid5(uuid.UUID(request.id), str(number)))


def _renewed_all(signatures: Any, ids: Iterator[str]) -> list[dict[str, Any]]:
    if not isinstance(signatures, list):
        raise _unfit("not a list of signatures")
    return [_renewed(signature, ids) for signature in signatures]


def _renewed(signature: Any, ids: Iterator[str]) -> dict[str, Any]:
    """A signature with new ids for itself and everything in it. A chain has no id."""
    if not isinstance(signature, dict) or not isinstance(signature.get("task"), str):
        raise _unfit("a signature without a task")
    task, kwargs = signature["task"], dict(_given(signature, "kwargs", dict) or {})
    options = dict(_given(signature, "options", dict) or {})
    for name in ("eta", "expires"):
        if not isinstance(options.get(name), int | float):
            options.pop(name, None)  # a moment that has passed
    if task != "celery.chain":
        options["task_id"] = next(ids)
    for name in _CANVAS.get(task, ()):
        part = kwargs.get(name)
        kwargs[name] = _renewed_all(part, ids) if _is_list(part) else _renewed(part, ids)
    return {**_listed_in(signature), "kwargs": kwargs, "options": options}


def _listed(args: Any) -> Any:
    """Positional arguments, which the client names by their parameters, in order."""
    return list(args.values()) if isinstance(args, dict) else args


def _listed_in(signature: dict[str, Any]) -> dict[str, Any]:
    return {**signature, "args": _listed(signature["args"])} if "args" in signature else signature


def _unnamed(signatures: list[Any] | None) -> list[Any] | None:
    """Signatures as they are, but for the names of their arguments."""
    return None if signatures is None else [_positional(each) for each in signatures]


def _positional(signature: Any) -> Any:
    if not isinstance(signature, dict) or not isinstance(kwargs := signature.get("kwargs") or {}, dict):
        return signature
    kwargs = dict(kwargs)
    for name in _CANVAS.get(signature.get("task", ""), ()):
        part = kwargs.get(name)
        kwargs[name] = [_positional(each) for each in part] if isinstance(part, list) else _positional(part)
    return {**_listed_in(signature), "kwargs": kwargs}


def _is_list(part: Any) -> bool:
    return isinstance(part, Sequence) and not isinstance(part, str)


def _unfit(why: str) -> NotDelivered:
    return NotDelivered(f"Trigger data does not describe a Celery task: {why}", final=True)
