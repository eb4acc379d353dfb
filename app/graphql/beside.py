"""One thread beside the event loop, in which credentials take turns.

Two hundred long documents of one token are half a minute of work. In the order of their arrival, those of others, as of
a page that is opened, would wait for all of them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class Beside:
    """Does one job at a time. One whose future is cancelled before its turn is not done."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._lock = Lock()
        self._waiting: OrderedDict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = OrderedDict()  # by credential

    def submit(self, credential: str, work: Callable[[], T]) -> Future[T]:
        """Do it: after the work of the same credential, and in turn with all others."""
        future: Future[T] = Future()
        self.join(credential, future, work)
        return future

    def join(self, credential: str, future: Future[T], work: Callable[[], T]) -> None:
        """The same for work that another credential waits for too: it is done in the turn of whichever comes first."""
        with self._lock:
            self._waiting.setdefault(credential, deque()).append((future, work))
        self._thread.submit(self._do_next)

    def _do_next(self) -> None:
        future, work = self._next()
        if future.done() or not future.set_running_or_notify_cancel():
            return
        try:
            result = work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    def _next(self) -> tuple[Future[Any], Callable[[], Any]]:
        with self._lock:
            credential, jobs = self._waiting.popitem(last=False)
            job = jobs.popleft()
            if jobs:
                self._waiting[credential] = jobs  # behind the others
            return job
