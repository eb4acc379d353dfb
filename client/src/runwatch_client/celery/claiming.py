"""What the first message of an execution says of it: its workflow, its trigger, and its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runwatch_client import events
from runwatch_client.celery import marks
from runwatch_client.celery.arguments import Arguments, survive_json
from runwatch_client.celery.marks import START, Plan
from runwatch_client.celery.naming import due_of, trigger_of_headers, workflow_of
from runwatch_client.celery.payloads import NO_KEY, TOO_LARGE, incomplete_trigger_of, trigger_of
from runwatch_client.celery.signing import Serialized, Signer
from runwatch_client.encoding import text_of

DEFAULT_QUEUE = "celery"


class Claiming:
    """Makes the data of execution.queued and execution.started."""

    def __init__(self, arguments: Arguments, signer: Signer) -> None:
        self.arguments = arguments
        self.signs = bool(signer)
        self._signer = signer

    def task(
        self,
        task: str,
        args: Any,
        kwargs: Any,
        embed: Mapping[str, Any] | None,
        way: Mapping[str, Any] | None,
        headers: Mapping[str, Any] | None,
        *,
        as_json: bool,
        serialized: Callable[[], Serialized] | None = None,
    ) -> str:
        """The claims of a task and of the chain that follows it. `way` has the exchange and key of its message.

        serialized: makes the message itself, where this process has it; it is kept unless it is JSON.
        """
        embed = embed or {}
        chain = list(reversed(embed.get("chain") or ()))
        data: dict[str, Any] = {"args": self.arguments.named(task, args), "kwargs": kwargs, **route_of(way or {})}
        links = (("chain", chain), ("link", embed.get("callbacks")), ("link_error", embed.get("errbacks")))
        linked = {name: signatures for name, signatures in links if signatures}
        for name, signatures in linked.items():
            data[name] = [self.arguments.in_signature(marks.without_ids(each), 1) for each in signatures]
        each = [task, *(name for signature in chain for name in marks.names(signature))] if chain else [task]
        workflow = workflow_of(each, headers)
        if workflow != task:
            data["task"] = task  # a retry begins with it
        kind, more = trigger_of_headers(headers)
        data |= more
        exact = as_json or survive_json(args, kwargs, [one for some in linked.values() for one in some])
        text, message = self._kept(data, exact, None if as_json else serialized)
        return events.claims(workflow, kind, text, None, each if chain else None, due_of(headers), message)

    def group(
        self,
        members: Sequence[Mapping[str, Any]],
        plan: Plan,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> str:
        """The claims of a group or chord. `args` and `kwargs` are further arguments of its members."""
        callback = marks.callback_of(members[0])
        follow = [] if callback is None else [callback, *reversed((callback.get("options") or {}).get("chain") or ())]
        each = [name for signature in (*members, *follow) for name in marks.names(signature)]
        shown = ", ".join(dict.fromkeys(name for member in members for name in marks.names(member)))
        made = f"group({shown})" if callback is None else f"chord({shown}, {next(marks.names(callback))})"
        plain = [marks.without_ids(member) for member in members]
        marks.as_published(plain, args, kwargs, plan.routes)
        exact = plan.serializer is None or survive_json((), {}, [*plain, *follow])
        data: dict[str, Any] = {"group": [self.arguments.in_signature(member, 0) for member in plain]}
        data |= next(iter(plan.routes), {})
        after = [marks.without_ids(signature) for signature in follow]
        data |= _following([self.arguments.in_signature(signature, 1) for signature in after])

        def serialized() -> Serialized:
            assert plan.serializer is not None
            whole = {"group": plain, **_following(after), "serializer": plan.serializer}
            return Serialized.of(START, ((whole,), {}, {}), plan.serializer)

        text, message = self._kept(data, exact, None if plan.serializer is None else serialized)
        workflow = workflow_of([made], plan.headers)
        return events.claims(workflow, "celery", text, None, each, plan.due_at, message)

    def _kept(
        self, data: dict[str, Any], exact: bool, serialized: Callable[[], Serialized] | None
    ) -> tuple[str, str | None]:
        """The trigger's data as JSON text, and the message itself if it is kept. `exact`: JSON gives the data back."""
        message, why = None, NO_KEY
        if serialized is not None and self._signer:
            message, why = self._signer.signed(serialized()), TOO_LARGE
        if exact:
            return trigger_of(data), message
        return (incomplete_trigger_of(data, why) if message is None else text_of(data)), message


def _following(after: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The callback of a chord, and the chain that follows it."""
    return {"chord": after[0], **({"chain": after[1:]} if after[1:] else {})} if after else {}


def route_of(way: Mapping[str, Any]) -> dict[str, str]:
    """Where a message went, unless to the usual queue: a retry must go where a worker listens."""
    exchange, queue = way.get("exchange"), way.get("routing_key")
    if exchange:
        return {"exchange": str(getattr(exchange, "name", exchange))}
    return {"queue": str(queue)} if queue and queue != DEFAULT_QUEUE else {}
