"""What the first message of an execution says of it: its workflow, its trigger, and its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runwatch_client import events
from runwatch_client.celery import marks
from runwatch_client.celery.arguments import Arguments, survive_json
from runwatch_client.celery.marks import Plan
from runwatch_client.celery.naming import due_of, trigger_of_headers, workflow_of
from runwatch_client.celery.payloads import incomplete_trigger_of, trigger_of

DEFAULT_QUEUE = "celery"


class Claiming:
    """Makes the data of execution.queued and execution.started."""

    def __init__(self, arguments: Arguments) -> None:
        self.arguments = arguments

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
    ) -> str:
        """The claims of a task and of the chain that follows it. `way` has the exchange and key of its message."""
        embed = embed or {}
        chain = list(reversed(embed.get("chain") or ()))
        data: dict[str, Any] = {"args": self.arguments.named(task, args), "kwargs": kwargs}
        data |= route_of(way or {})
        linked = {"chain": chain, "link": embed.get("callbacks"), "link_error": embed.get("errbacks")}
        for name, signatures in linked.items():
            if signatures:
                data[name] = [self.arguments.in_signature(marks.without_ids(each), 1) for each in signatures]
        each = [task, *(name for signature in chain for name in marks.names(signature))] if chain else [task]
        workflow = workflow_of(each, headers)
        if workflow != task:
            data["task"] = task  # a retry begins with it
        kind, more = trigger_of_headers(headers)
        data |= more
        exact = as_json or survive_json(args, kwargs, [one for some in linked.values() for one in some or ()])
        text = trigger_of(data) if exact else incomplete_trigger_of(data)
        return events.claims(workflow, kind, text, None, each if chain else None, due_of(headers))

    def group(
        self,
        members: Sequence[Mapping[str, Any]],
        plan: Plan,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        *,
        as_json: bool,
    ) -> str:
        """The claims of a group or chord. `args` and `kwargs` are further arguments of its members."""
        callback = marks.callback_of(members[0])
        follow = [] if callback is None else [callback, *reversed((callback.get("options") or {}).get("chain") or ())]
        each = [name for signature in (*members, *follow) for name in marks.names(signature)]
        shown = ", ".join(dict.fromkeys(name for member in members for name in marks.names(member)))
        made = f"group({shown})" if callback is None else f"chord({shown}, {next(marks.names(callback))})"
        plain = [marks.without_ids(member) for member in members]
        marks.as_published(plain, args, kwargs, plan.routes)
        exact = as_json or survive_json((), {}, [*plain, *follow])
        data: dict[str, Any] = {"group": [self.arguments.in_signature(member, 0) for member in plain]}
        data |= next(iter(plan.routes), {})
        after = [self.arguments.in_signature(marks.without_ids(signature), 1) for signature in follow]
        if callback is not None:
            data["chord"] = after[0]
        if after[1:]:
            data["chain"] = after[1:]
        text = trigger_of(data) if exact else incomplete_trigger_of(data)
        return events.claims(workflow_of([made], plan.headers), "celery", text, None, each, plan.due_at)


def route_of(way: Mapping[str, Any]) -> dict[str, str]:
    """Where a message went, unless to the usual queue: a retry must go where a worker listens."""
    exchange, queue = way.get("exchange"), way.get("routing_key")
    if exchange:
        return {"exchange": str(getattr(exchange, "name", exchange))}
    return {"queue": str(queue)} if queue and queue != DEFAULT_QUEUE else {}
