"""Retried groups and chords: one message, claimed like any other retry, makes a worker start them.

Only a process of the engine can start them: it knows where the results of the members are kept, and how tasks are
routed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from itertools import count
from typing import Any

from celery import Task, canvas
from celery.exceptions import Reject
from kombu.exceptions import OperationalError

from runwatch_client.celery import marks
from runwatch_client.celery.gate import PUBLICATION, RETRY_OF
from runwatch_client.celery.marks import START

# The arguments of a chord, with fixed ids for every part that its makers did not name.
_ids: ContextVar[Iterator[str] | None] = ContextVar("runwatch_ids", default=None)


def register(app: Any, pause: float) -> None:
    """Give the app the task that starts a group or chord. The task's id is the id of the group.

    When a worker dies in the middle, another takes the message and publishes everything again. That does no harm: each
    member keeps its id, and the gate drops the second message.
    """
    _know_ids(canvas)

    @app.task(
        name=START, base=Task, bind=True, shared=False, acks_late=True, reject_on_worker_lost=True, ignore_result=True
    )  # type: ignore[untyped-decorator]
    def start(task: Any, data: Mapping[str, Any]) -> None:
        given = task.request.headers or {}
        # Not the name of the message that started us: of two that start the same members, one must be dropped.
        publication = f"{given.get(PUBLICATION)}/{uuid.uuid4().hex[:8]}"
        headers = {RETRY_OF: given.get(RETRY_OF), PUBLICATION: publication}
        try:
            begin(app, task.request.id, data, headers)
        except _passing_errors(app) as error:
            time.sleep(pause)
            raise Reject(error, requeue=True) from error


def begin(app: Any, run: str, data: Mapping[str, Any], headers: Mapping[str, Any]) -> None:
    """Publish a group or chord under this id. Every message that it starts with has these headers."""
    data = {name: _positional(part) for name, part in data.items()}
    members = [_claimed(member, headers) for member in data["group"]]
    body = data.get("chord")
    # How they were published, where not as the app says; only in what was signed (signing.py).
    options = {"serializer": data["serializer"]} if data.get("serializer") else {}
    with _same_ids(run):
        if body is None:
            canvas.group(members, app=app, task_id=run).apply_async(**options)
            return
        body = _claimed(body, headers)
        if rest := data.get("chain"):
            body["options"].pop("chain", None)  # the same again
            body = canvas.chain(*(canvas.signature(part, app=app) for part in (body, *rest)), app=app)
        canvas.chord(members, body, app=app, task_id=run).apply_async(**options)


def _positional(part: Any) -> Any:
    """Signatures whose positional arguments have no names (arguments.py)."""
    if isinstance(part, list):
        return [_positional(each) for each in part]
    if not isinstance(part, Mapping) or "task" not in part:
        return part
    copy, args = dict(part), part.get("args")
    if isinstance(args, Mapping):
        copy["args"] = list(args.values())
    if str(part["task"]).startswith("celery."):
        copy["kwargs"] = {name: _positional(inner) for name, inner in (part.get("kwargs") or {}).items()}
    return copy


def _passing_errors(app: Any) -> tuple[type[Exception], ...]:
    """The exceptions of broker and result backend while they do not answer."""
    of_backend = getattr(app.backend, "connection_errors", ())
    # Celery counts KeyError among Redis' exceptions.
    return (OperationalError, OSError, *(kind for kind in of_backend if not issubclass(kind, LookupError)))


def _claimed(signature: Mapping[str, Any], headers: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a signature whose first messages have the headers."""
    copy = deepcopy(dict(signature))
    for first, is_callback in marks.openers(copy):
        options = first["options"] = dict(first.get("options") or {})
        options["headers"] = {**(options.get("headers") or {}), **headers}
        if not is_callback:
            # When an answer is late, Celery would publish the message again, and with the same name both would run.
            options["retry"] = False
    return copy


@contextmanager
def _same_ids(run: str) -> Iterator[None]:
    space = uuid.uuid5(uuid.NAMESPACE_OID, run)
    token = _ids.set(str(uuid.uuid5(space, str(number))) for number in count())
    try:
        yield
    finally:
        _ids.reset(token)


def _know_ids(module: Any) -> None:
    """Make Celery's canvases use our ids while there are any: nothing else can name what is nested in them."""
    original: Callable[[], str] = module.uuid
    if hasattr(original, "runwatch"):
        return

    def new_id() -> str:
        ids = _ids.get()
        return original() if ids is None else next(ids)

    new_id.runwatch = True  # type: ignore[attr-defined]
    module.uuid = new_id
