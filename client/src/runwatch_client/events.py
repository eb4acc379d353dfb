"""The events as sent: CloudEvents in JSON. Each becomes bytes at once, so that nothing changes it afterwards."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import secrets
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from runwatch_client.encoding import quote, text_of, to_bytes

MAX_NAME = 300  # characters; the server rejects a longer name
MAX_KIND = 100
MAX_STEPS = 1_000
# The server keeps 8 KiB of a message and 256 KiB of a stack trace. We cut the trace, since its end tells most.
MAX_MESSAGE = 16 * 1024
MAX_TRACE = 200 * 1024
MAX_LOG_LINE = 128 * 1024

# What nobody can see: white space, controls, and what Unicode has displays ignore. The server refuses a workflow's name
# of nothing else, and has the same list.
_BLANK = re.compile(
    r"[\s\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]*"
)

# With this attribute the engine says that it runs a retry once, even when it is published twice.
CLAIMS = "runwatchclaims"

_numbers = itertools.count(1)
_part = secrets.token_hex(6)


def unique(what: str) -> str:
    """The last part of an id, for an event that may happen often in a run: a log line, a heartbeat."""
    return f"{what}/{_part}-{next(_numbers)}"


def event(
    source: str,
    subject: str,
    type_: str,
    id_: str,
    data: str = "null",
    at: datetime | None = None,
    *,
    claims_retries: bool = False,
) -> bytes:
    """One event. `source` and `data` are JSON text already."""
    time = (at or datetime.now(UTC)).isoformat()
    if len(id_) > MAX_NAME:
        id_ = f"{_digest(id_)}{id_[41 - MAX_NAME :]}"  # the end says what it is, the beginning which run
    extension = f'"{CLAIMS}":"1",' if claims_retries else ""
    return to_bytes(
        f'{{"specversion":"1.0","id":{quote(id_)},"source":{source},"subject":{quote(subject)},'
        f'"type":"{type_}","time":"{time}",{extension}"data":{data}}}'
    )


def claims(
    workflow: str | None = None,
    trigger_kind: str | None = None,
    trigger_data: str | None = None,
    retry_of: str | None = None,
    definition: Sequence[str] | None = None,
    due_at: str | None = None,
    message: str | None = None,
) -> str:
    """The data of execution.queued, .started and .waiting. `trigger_data` is JSON text, `due_at` RFC 3339.

    message: of the trigger, in ASCII without quotes.
    """
    members = []
    if workflow is not None:
        members.append(f'"workflow":{quote(name(workflow))}')
    if trigger_kind is not None:
        data = "" if trigger_data is None else f',"data":{trigger_data}'
        kept = "" if message is None else f',"message":"{message}"'
        members.append(f'"trigger":{{"kind":{quote(name(trigger_kind, MAX_KIND))}{data}{kept}}}')
    if retry_of is not None:
        members.append(f'"retryOf":{quote(str(retry_of))}')
    if definition:
        members.append(f'"definition":{text_of([name(each) for each in list(definition)[:MAX_STEPS]])}')
    if due_at is not None:
        members.append(f'"dueAt":{quote(due_at)}')
    return f"{{{','.join(members)}}}"


def finished(state: str, error: dict[str, Any] | None = None) -> str:
    """The data of execution.finished."""
    return f'{{"state":{quote(str(state))}{_member("error", None if error is None else text_of(error))}}}'


def step_started(index: int, name_: str, kind: str | None = None, input_: str | None = None) -> str:
    """The data of step.started. `input_` is JSON text."""
    return f'{{"step":{{"index":{index},"name":{quote(name(name_))}{_kind(kind)}{_member("input", input_)}}}}}'


def step_finished(
    index: int,
    name_: str,
    state: str,
    *,
    kind: str | None = None,
    output: str | None = None,
    error: dict[str, Any] | None = None,
    seconds: float | None = None,
) -> str:
    """The data of step.finished. `output` is JSON text."""
    return (
        f'{{"step":{{"index":{index},"name":{quote(name(name_))},"state":"{state}"{_kind(kind)}'
        f"{_member('output', output)}{_member('error', None if error is None else text_of(error))}"
        f"{_member('durationMs', None if seconds is None else f'{max(seconds, 0.0) * 1000:.3f}')}}}}}"
    )


def log_line(level: str, message: str, step: int | None, attributes: dict[str, Any]) -> str:
    """The data of log.written."""
    shown = text_of(attributes) if attributes else None
    index = None if step is None else str(step)
    text = f'{{"level":"{level}","message":{quote(_cut(message, MAX_LOG_LINE))}'
    return f"{text}{_member('step', index)}{_member('attributes', shown)}}}"


def failure(
    error: BaseException, step: int | None = None, trace: TracebackType | None = None, stack_trace: str | None = None
) -> dict[str, Any]:
    """An error as the server accepts it: type, message and stack trace, with its causes."""
    if stack_trace is None:
        try:
            stack_trace = "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))
        except Exception:  # an exception whose own __str__ fails
            stack_trace = ""
    return told_failure(type_name(error), message_of(error), stack_trace, step)


def told_failure(type_: str, message: str, stack_trace: str = "", step: int | None = None) -> dict[str, Any]:
    """An error from texts."""
    told: dict[str, Any] = {"type": type_[:MAX_NAME], "message": _cut(message, MAX_MESSAGE)}
    if stack_trace:
        told["stackTrace"] = _cut_middle(stack_trace)
    if step is not None:
        told["step"] = step
    return told


def type_name(error: BaseException) -> str:
    """`ValueError`, or `shop.errors.NoStock`."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message_of(error: BaseException) -> str:
    """The error's message, or its repr if the message is empty."""
    try:
        return str(error) or repr(error)
    except Exception:
        return f"<{type(error).__name__}>"


def name(text: Any, limit: int = MAX_NAME) -> str:
    """A name that the server accepts: with something to see, not too long."""
    text = str(text)[:limit]
    return "(unnamed)" if _BLANK.fullmatch(text) else text


def subject_of(external_id: str) -> str:
    """An id that the server accepts, and that stays unique when it is shortened."""
    if 0 < len(external_id) <= MAX_NAME:
        return external_id
    return f"{external_id[: MAX_NAME - 41]}#{_digest(external_id)}" if external_id else "(unnamed)"


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode(errors="replace"), usedforsecurity=False).hexdigest()


def _member(key: str, text: str | None) -> str:
    return "" if text is None else f',"{key}":{text}'


def _kind(kind: str | None) -> str:
    return "" if kind is None else f',"kind":{quote(name(kind))}'


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def _cut_middle(text: str) -> str:
    if len(text) <= MAX_TRACE:
        return text
    return f"{text[: MAX_TRACE // 4]}\n… {len(text) - MAX_TRACE} characters left out …\n{text[-MAX_TRACE * 3 // 4 :]}"


def _after_fork() -> None:
    global _part
    _part = secrets.token_hex(6)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
