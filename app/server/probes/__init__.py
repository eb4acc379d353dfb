"""What `runwatch check` tries: whatever a server needs, or would reach, each within a time and all at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    """What came of a probe."""

    OK = "ok"
    UNUSED = "unused"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a probe found. `detail` is for people, and contains no secret."""

    name: str
    result: Result
    detail: str


def one_line(error: BaseException) -> str:
    """What an error says."""
    return " ".join(str(error).split()) or type(error).__name__


Probe = tuple[str, Callable[[], Awaitable[Iterable[Outcome]]]]


async def run_all(probes: Iterable[Probe], seconds: float) -> list[Outcome]:
    """The outcomes of all, in their order. What takes longer than `seconds` has failed."""
    # Names are looked up in threads, which nothing can cancel: theirs end with the process.
    asyncio.get_running_loop().set_default_executor(_Threads())
    found = await asyncio.gather(*(_tried(name, probe, seconds) for name, probe in probes))
    return [outcome for each in found for outcome in each]


async def _tried(name: str, probe: Callable[[], Awaitable[Iterable[Outcome]]], seconds: float) -> list[Outcome]:
    try:
        async with asyncio.timeout(seconds):
            return list(await probe())
    except TimeoutError:
        return [Outcome(name, Result.FAILED, f"no answer within {seconds:g} s")]
    except Exception as error:  # a defect of ours, or of a library; its text may have anything in it
        return [Outcome(name, Result.FAILED, f"the probe failed with {type(error).__name__}")]


class _Threads(ThreadPoolExecutor):
    """A thread for each call, which nobody waits for at the end."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call in a thread of its own."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # from here on it cannot be cancelled, only left alone

        def run() -> None:
            try:
                future.set_result(call(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, name="probe", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nothing."""
