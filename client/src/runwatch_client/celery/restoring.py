"""A retry that brings the original message back: unpacked in the worker's main process, once its signature is known."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from kombu.message import Message
from kombu.serialization import loads

from runwatch_client.celery import marks
from runwatch_client.celery.signing import Refused, Serialized, Signer

# The name under which such a retry arrives. No task has it: a worker without the gate throws it away, unread.
RESTORE = "runwatch.restore"
_CANVAS = {"celery.chain": ("tasks",), "celery.group": ("tasks",), "celery.chord": ("header", "body")}


def restored(message: Any, signer: Signer) -> Message:
    """The message of the original task, in place of the one that brings it. Raises Refused.

    Its body is the original's to the byte, unless other tasks are in it: those get new ids.
    """
    headers = dict(message.headers or {})
    try:
        # Not Celery's way, which asks whether the app accepts JSON.
        [text], *_ = json.loads(message.body)
    except (ValueError, TypeError):
        raise Refused("UnreadableMessage", "The retry brings no original message") from None
    original = signer.opened(text)
    try:
        args, kwargs, embed = loads(  # type: ignore[no-untyped-call]
            original.body, original.content_type, original.content_encoding, accept=message.accept
        )
        space = uuid.uuid5(uuid.NAMESPACE_OID, f"restored {headers.get('id')}")
        ids = (str(uuid.uuid5(space, str(number))) for number in count())  # the same ones at each publication
        if original.task == marks.START:
            original = original.dumped(((_renewed_canvas(args[0], ids),), kwargs, embed))
        elif any((embed or {}).values()):
            original = original.dumped((args, kwargs, _renewed_embed(embed, ids)))
    except Exception as error:  # what it needs is not there, or the app does not accept its content type
        why = f"The worker cannot read the original message ({type(error).__name__}: {error})"
        raise Refused("UnreadableMessage", why) from None
    return _as(message, headers, original)


def _as(message: Any, headers: Mapping[str, Any], original: Serialized) -> Message:
    return Message(  # type: ignore[no-untyped-call]
        body=original.body,
        content_type=original.content_type,
        content_encoding=original.content_encoding,
        headers={**headers, "task": original.task, "argsrepr": "…", "kwargsrepr": "…"},
        delivery_tag=message.delivery_tag,
        delivery_info=message.delivery_info,
        properties=message.properties,
        accept=message.accept,
        channel=message.channel,
    )


def _renewed_canvas(data: Mapping[str, Any], ids: Iterator[str]) -> dict[str, Any]:
    """A group or chord as it was published (claiming.py)."""
    group = [_renewed(each, ids) for each in data["group"]]
    chord = {"chord": _renewed(data["chord"], ids)} if "chord" in data else {}
    return {**data, "group": group, **chord, "chain": [_renewed(each, ids) for each in data.get("chain") or ()]}


def _renewed_embed(embed: Mapping[str, Any], ids: Iterator[str]) -> dict[str, Any]:
    """What follows a task."""
    chain = [_renewed(marks.without_ids(each), ids) for each in reversed(embed.get("chain") or ())]
    links = {
        name: [marks.without_ids(each) for each in embed.get(name) or ()] or None for name in ("callbacks", "errbacks")
    }
    return {**embed, **links, "chain": chain[::-1] or None, "chord": None}


def _renewed(signature: dict[str, Any], ids: Iterator[str]) -> dict[str, Any]:
    """A plain signature with ids for itself and everything in it. A chain has no id."""
    options = {
        name: value
        for name, value in signature["options"].items()
        if name not in {"eta", "expires"} or isinstance(value, int | float)  # else a moment that has passed
    }
    if signature["task"] != "celery.chain":
        options["task_id"] = next(ids)
    kwargs = dict(signature["kwargs"])
    for name in _CANVAS.get(signature["task"], ()):
        part = kwargs[name]
        kwargs[name] = [_renewed(each, ids) for each in part] if isinstance(part, list) else _renewed(part, ids)
    return {**signature, "kwargs": kwargs, "options": options}
