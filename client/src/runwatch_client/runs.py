"""A run and its steps as context managers: they report whatever happens inside, and raise nothing themselves."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from runwatch_client import events
from runwatch_client.blame import Culprits, time_outs, timed_out
from runwatch_client.encoding import text_of, trigger_text_of

State = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "CRASHED", "CANCELLED", "SKIPPED"]

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL")
_ALIASES = {"WARN": "WARNING", "CRITICAL": "FATAL", "NOTSET": "TRACE"}

NOT_GIVEN: Any = object()

current_run: ContextVar[Reported | None] = ContextVar("runwatch_run", default=None)
current_step: ContextVar[int | None] = ContextVar("runwatch_step", default=None)


class Emitter(Protocol):
    """Takes the events of a run."""

    def emit_text(
        self, subject: str, type_: str, id_: str, data: str, *, minor: bool = False, at: datetime | None = None
    ) -> None:
        """Queue an event with `data` as JSON text. `at` is when it happened; defaults to now."""

    def keep_alive(self, subject: str, key: str | None = None) -> None:
        """Send heartbeats from now on."""

    def let_go(self, key: str) -> None:
        """Send no more heartbeats."""


def level_name(level: str | int) -> str:
    """The level of a log line, from a name or from a number of the logging module."""
    if isinstance(level, int):
        return LEVELS[min(max(level // 10, 0), 5)]
    upper = str(level).upper()
    upper = _ALIASES.get(upper, upper)
    return upper if upper in LEVELS else "INFO"


class Reported:
    """Something that takes log lines."""

    def __init__(self, emitter: Emitter, external_id: str) -> None:
        self.external_id = events.subject_of(external_id)
        self._emitter = emitter

    def log(self, level: str | int, message: str, /, **attributes: Any) -> None:
        """Write a log line of this run, and of the step that is open at the call."""
        step = current_step.get() if current_run.get() is self else None
        data = events.log_line(level_name(level), str(message), step, attributes)
        self._emit("log.written", events.unique("log"), data, minor=True)

    def _emit(self, type_: str, what: str, data: str, *, minor: bool = False) -> None:
        self._emitter.emit_text(self.external_id, type_, f"{self.external_id}/{what}", data, minor=minor)


class Run(Reported):
    """One execution. Set `outcome` inside to end as SKIPPED or CANCELLED without an exception."""

    def __init__(
        self,
        emitter: Emitter,
        external_id: str,
        *,
        workflow: str,
        trigger_kind: str = "manual",
        trigger_data: Any = NOT_GIVEN,
        trigger_json: str | None = None,
        retry_of: str | None = None,
        definition: Sequence[str] | None = None,
    ) -> None:
        super().__init__(emitter, external_id)
        self.outcome: State | None = None
        data = trigger_json if trigger_data is NOT_GIVEN else trigger_text_of(trigger_data)
        self._claims = events.claims(workflow, trigger_kind, data, retry_of, definition)
        self._indexes = itertools.count()
        self._culprits = Culprits()
        self._around: list[asyncio.Timeout] = []
        self._pid = 0
        self._outer: tuple[Reported | None, int | None] = (None, None)

    def __enter__(self) -> Self:
        self._pid = os.getpid()
        self._outer = current_run.get(), current_step.get()
        current_run.set(self)
        current_step.set(None)
        self._around = time_outs()
        self._emitter.keep_alive(self.external_id)
        self._emit("execution.queued", "queued", self._claims)
        self._emit("execution.started", "started", "null")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        current_run.set(self._outer[0])
        current_step.set(self._outer[1])
        if os.getpid() != self._pid:
            return  # a fork of the process that runs it must not report the end
        self._emitter.let_go(self.external_id)
        state = self.outcome or ("TIMED_OUT" if timed_out(error, self._around) else state_of(error))
        told = None
        if error is not None and state != "SUCCEEDED":
            step = self._culprits.step_of(error)
            told = events.failure(error, step, trace)
            if step is None and self._culprits:
                told["outsideSteps"] = True  # the steps that failed were handled
        self._emit("execution.finished", "finished", events.finished(state, told))

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def step(self, name: str, kind: str | None = None, input: Any = NOT_GIVEN) -> Step:
        """A step, as a context manager. Steps may be nested, and may run in several threads or tasks at once."""
        return Step(self, next(self._indexes), name, kind, input)

    def waiting(self) -> None:
        """Report that the run waits for something. started() reports that it continues."""
        self._emit("execution.waiting", events.unique("waiting"), "null")

    def started(self) -> None:
        """Report that the run continues."""
        self._emit("execution.started", events.unique("started"), "null")

    def _blame(self, error: BaseException, index: int) -> None:
        self._culprits.add(error, index)


class Step:
    """One step of a run. Set `output` before the step ends."""

    def __init__(self, run: Run, index: int, name: str, kind: str | None, input_: Any) -> None:
        self.index = index
        self.output: Any = NOT_GIVEN
        self.outcome: State | None = None
        self._run = run
        self._name = str(name)
        self._kind = kind
        self._input = input_
        self._began = 0.0
        self._outer: int | None = None

    def __enter__(self) -> Self:
        self._outer = current_step.get()
        current_step.set(self.index)
        self._began = time.perf_counter()
        given = None if self._input is NOT_GIVEN else text_of(self._input)
        self._emit("started", lambda: events.step_started(self.index, self._name, self._kind, given))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._began
        current_step.set(self._outer)
        state = self.outcome or state_of(error)
        told = None
        if error is not None and state != "SUCCEEDED":
            told = events.failure(error, None, trace)
            self._run._blame(error, self.index)
        made = None if self.output is NOT_GIVEN else text_of(self.output)
        self._emit(
            "finished",
            lambda: events.step_finished(
                self.index, self._name, state, kind=self._kind, output=made, error=told, seconds=seconds
            ),
        )

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _emit(self, what: str, data: Callable[[], str]) -> None:
        if self.index < events.MAX_STEPS:  # the server would reject steps beyond
            self._run._emit(f"step.{what}", f"step/{self.index}/{what}", data())


def state_of(error: BaseException | None) -> State:
    """The state of something that raised this."""
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "SUCCEEDED"
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | GeneratorExit):
        return "CANCELLED"
    return "FAILED"
