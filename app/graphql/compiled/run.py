"""One execution of a plan: rows that its level asks for are loaded together, and what it touches is counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from app.graphql.compiled.compiler import Complete
from app.graphql.compiled.costs import Meter
from app.graphql.compiled.tasks import MAX_FIELDS_OF_A_PIECE, Tasks

Load = Callable[[Any, Iterable[Any]], Awaitable[Mapping[Any, Any]]]


class Run(Tasks):
    """One execution of a plan."""

    __slots__ = ("_context", "_joins", "_meter", "arguments", "infos")

    def __init__(
        self, context: Any, infos: list[Any], arguments: list[dict[str, Any]], meter: Meter | None = None
    ) -> None:
        super().__init__(meter)
        self._meter = meter
        self._context = context
        self._joins: dict[Complete, list[tuple[Any, dict[str, Any], str]]] = {}
        self.infos = infos
        self.arguments = arguments

    def again(self) -> Run:
        """Another execution with the same arguments."""
        return Run(self._context, self.infos, self.arguments, self._meter)

    def touch(self, fields: int) -> bool:
        """So many fields of a list are about to be completed; whether that may be done at once."""
        if self._meter is not None:
            self._meter.during(fields)
        return fields <= MAX_FIELDS_OF_A_PIECE

    def large(self, text: Any) -> Any:
        """The value, which is about to be written as it is."""
        if self._meter is not None and text.__class__ is str:
            self._meter.large(len(text))
        return text

    def join(self, load: Load, complete: Complete, key: Any, into: dict[str, Any], name: str) -> None:
        """Load the row of a key together with those of its level, and complete it once for all that have the key."""
        waiting = self._joins.get(complete)
        if waiting is None:
            waiting = self._joins[complete] = []

            async def found() -> Mapping[Any, Any]:
                del self._joins[complete]  # those that come from here on are another level's
                return await load(self._context, dict.fromkeys(key for key, _, _ in waiting))

            def spread(rows: Mapping[Any, Any], run: Run) -> None:
                made: dict[Any, Any] = {}
                for key, into, name in waiting:
                    if key not in made:
                        made[key] = complete(rows.get(key), run)
                    into[name] = made[key]

            self.start(found(), {}, "", spread)
        waiting.append((key, into, name))

    async def complete(self, function: Complete, value: Any) -> Any:
        """What a function of the plan makes of a value. Raises whatever is not right."""
        try:
            completed = function(value, self)
        except BaseException:
            self.drop()
            raise
        if self.pending:
            await self.finish(self)
        return completed
