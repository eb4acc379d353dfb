"""The places of Celery that have no signal: wrapped once per process, for the hook that was installed last."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import Celery, Task, canvas
from celery.backends.base import Backend

from runwatch_client.celery.publishing import Publishing, current_plan, handling, serializer
from runwatch_client.celery.working import Working

Guard = Callable[[str, Callable[[], Any]], Any]

_installed: list[tuple[Publishing, Working]] = []


def watch(publishing: Publishing, working: Working, guard: Guard) -> None:
    """Tell these two of groups, error handlers, and states that tasks set by themselves."""
    _installed[:] = [(publishing, working)]
    _wrap(canvas.group, "apply_async", _groups(guard))
    _wrap(Backend, "_call_task_errbacks", _handlers(guard))
    _wrap(Backend, "mark_as_failure", _failures(guard))
    _wrap(Task, "update_state", _states(guard))
    _wrap(Celery, "send_task", _serializers)


def watch_worker(guard: Guard) -> None:
    """Tell of tasks that a worker cancels, and how all of them end in its children. In its main process, which has
    imported the rest of it.
    """
    from celery.worker import strategy
    from celery.worker.request import Request

    _wrap(Request, "cancel", _cancelling(guard))
    _wrap(strategy, "create_request_cls", _requests(guard))
    _wrap(Request, "on_failure", _losses(guard))


def _wrap(owner: Any, name: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    original = getattr(owner, name)
    if not hasattr(original, "runwatch"):
        wrapped = wraps(original)(wrapper(original))
        wrapped.runwatch = True  # type: ignore[attr-defined]
        setattr(owner, name, wrapped)


def _serializers(original: Callable[..., Any]) -> Callable[..., Any]:
    """The signals of publishing do not say how the message is serialized."""

    def send_task(self: Any, *args: Any, **options: Any) -> Any:
        if "serializer" not in options:
            return original(self, *args, **options)
        token = serializer.set(options["serializer"])
        try:
            return original(self, *args, **options)
        finally:
            serializer.reset(token)

    return send_task


def _groups(guard: Guard) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """group.apply_async is the only place that knows all members of a group."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def apply_async(self: Any, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            publishing = _installed[0][0]
            plan = guard("group", lambda: publishing.publishing_group(self, options))
            token = current_plan.set(plan)
            try:
                result = original(self, args, kwargs, **options)
            finally:
                current_plan.reset(token)
            if plan is not None and plan.own:
                guard("group", lambda: publishing.published_group(self, plan, args or (), kwargs or {}))
            return result

        return apply_async

    return wrapper


def _handlers(guard: Guard) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Where Celery calls error handlers: tell of the failure first, whatever becomes of them."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def call_task_errbacks(self: Any, request: Any, exc: BaseException, traceback: Any) -> Any:
            guard("failing", lambda: _installed[0][1].failing(request, exc, traceback))
            token = handling.set(True)
            try:
                return original(self, request, exc, traceback)
            finally:
                handling.reset(token)

        return call_task_errbacks

    return wrapper


def _cancelling(guard: Guard) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Celery signals this for some of them only: from 5.6 on not for those with acks_late."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def cancel(self: Any, *args: Any, **more: Any) -> Any:
            result = original(self, *args, **more)
            if self.time_start:
                guard("cancelled", lambda: _installed[0][1].cancelled(self))
            return result

        return cancel

    return wrapper


def _requests(guard: Guard) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Celery makes a class of requests for each task, which replaces on_success."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def create_request_cls(*args: Any, **more: Any) -> Any:
            made = original(*args, **more)
            _wrap(made, "on_success", _successes(guard))
            return made

        return create_request_cls

    return wrapper


def _successes(guard: Guard) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Celery's name for whatever a child says of a task, its error too."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def on_success(self: Any, ended: Any, **more: Any) -> Any:
            guard("a child's end", lambda: _installed[0][1].lost.ended(self, *ended))
            return original(self, ended, **more)

        return on_success

    return wrapper


def _losses(guard: Guard) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Also called for what a child says of an error, with return_ok."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def on_failure(self: Any, info: Any, *args: Any, **more: Any) -> Any:
            result = original(self, info, *args, **more)
            if not more.get("return_ok"):
                guard("a lost child", lambda: _installed[0][1].lost.killed(self.worker_pid))
            return result

        return on_failure

    return wrapper


def _failures(guard: Guard) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def mark_as_failure(self: Any, task_id: str, exc: BaseException, *args: Any, **more: Any) -> Any:
            guard("a state", lambda: _installed[0][1].stored(task_id, "FAILURE", exc))
            return original(self, task_id, exc, *args, **more)

        return mark_as_failure

    return wrapper


def _states(guard: Guard) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def update_state(self: Any, task_id: Any = None, state: Any = None, meta: Any = None, **more: Any) -> Any:
            guard("a state", lambda: _installed[0][1].stored(task_id or self.request.id, state, meta))
            return original(self, task_id, state, meta, **more)

        return update_state

    return wrapper
