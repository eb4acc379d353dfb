"""graphql-core's execution within the budget of its operation: counted, and with turns for others.

It completes whole lists at once, and starts everything that waits at once. Here a long list is completed in pieces,
each to its end, fields that wait for something start and go on some at a time (app/graphql/lanes.py), and once the
operation is over its budget, nothing more of it is executed.
"""

from __future__ import annotations

from functools import partial
from inspect import iscoroutine
from typing import Any

from graphql import FieldNode, GraphQLResolveInfoHelpers
from graphql.pyutils import gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.graphql.bounds import OverBudget, Spending
from app.graphql.compiled.costs import Costs, Priced, price
from app.graphql.lanes import Lane

# Of a piece: 10 µs for a value.
MAX_FIELDS_OF_A_PIECE = 400
# Of what waits at once: a page of 100 whose rows ask for ten reads each, so that these are batched.
MAX_FIELDS_TOGETHER = 50_000
# To make an error of graphql-core takes as long as so many fields that wait.
FIELDS_OF_A_FAILURE = 6
# Shorter texts are measured in the end.
LARGE = 1_000


class Paced(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation, or one event of a subscription."""

    spending: Spending | None = None
    _found: tuple[Priced, Costs] | None = None
    _costs: Costs | None = None
    _widths: dict[tuple[Any, ...], int]
    _lane: Lane

    @property
    def async_helpers(self) -> GraphQLResolveInfoHelpers:
        """What resolvers get of it. Kept, as graphql-core does, it is in a circle with us, and with the document."""
        return GraphQLResolveInfoHelpers(gather=self.gather_async_work, track=self.track_async_work)

    @async_helpers.setter
    def async_helpers(self, _: GraphQLResolveInfoHelpers) -> None:
        """Made each time."""

    def keep_to(self, spending: Spending | None) -> None:
        """Count on this, from now on. Raises OverBudget for an operation that costs too much."""
        self.spending, self._widths = spending, {}
        if spending is None:
            return
        self._lane = Lane(spending.turn)
        try:
            priced, self._costs = self.price()
            spending.before(priced.cost(self.variable_values.coerced), priced.root)
        except RecursionError:
            pass  # graphql-core says that it is nested too deeply

    def price(self) -> tuple[Priced, Costs]:
        """What it costs, found once, for all events of a subscription too. RecursionError for a deep operation."""
        if self._found is None:
            coerced = self.variable_values.coerced
            self._found = price(self.schema, self.fragment_definitions, self.operation, coerced)
        return self._found

    def execute_field(self, parent_type: Any, source: Any, details: Any, path: Any, position: Any) -> Any:
        """One field; nothing of it once the budget is spent."""
        spending = self.spending
        if spending is not None and spending.failure is not None:
            return None
        return super().execute_field(parent_type, source, details, path, position)

    def handle_field_error(self, raw_error: Exception, return_type: Any, details: Any, path: Any) -> None:
        """A failed field costs too."""
        if self.spending is not None and self.spending.failure is None:
            self._lane.take(FIELDS_OF_A_FAILURE)
            try:
                self.spending.error()
            except OverBudget as over:
                self._stop(over)
        super().handle_field_error(raw_error, return_type, details, path)

    async def complete_awaitable_value(
        self, return_type: Any, details: Any, info: Any, path: Any, result: Any, position: Any
    ) -> Any:
        """A field that waits for its value: as graphql-core does it, when its turn has come, before and after."""
        if self.spending is None:
            return await super().complete_awaitable_value(return_type, details, info, path, result, position)
        try:
            try:
                await self._lane.enter()
            except BaseException:
                if iscoroutine(result):
                    result.close()  # it will not run
                raise
            resolved = await self.with_abort_signal(result)
            await self._lane.enter()
            completed = self.complete_value(return_type, details, info, path, resolved, position)
            return await completed if self.is_awaitable(completed) else completed
        except Exception as raw_error:
            self.handle_field_error(raw_error, return_type, details, path)
            return None

    def complete_leaf_value(self, return_type: Any, result: Any) -> Any:  # type: ignore[override]
        """A large value is counted before it is written."""
        if self.spending is not None and result.__class__ is str and len(result) > LARGE:
            try:
                self.spending.large(len(result))
            except OverBudget as over:
                self._stop(over)
            if self.spending.failure is not None:
                return ""
        return super().complete_leaf_value(return_type, result)

    def complete_iterable_value(
        self, item_type: Any, details: Any, info: Any, path: Any, items: Any, position: Any
    ) -> Any:
        """A list: in pieces if it is long."""
        by_core = super().complete_iterable_value
        if self.spending is None or not isinstance(items, list | tuple):
            return by_core(item_type, details, info, path, items, position)
        fields = self._width(info.return_type, [each.node for each in details])
        if self.spending.failure is None:
            try:
                self.spending.during(len(items) * fields)
            except OverBudget as over:
                self._stop(over)
        if self.spending.failure is not None:
            return []
        complete = partial(by_core, item_type, details, info)
        if len(items) * fields <= MAX_FIELDS_OF_A_PIECE:
            return complete(path, items, position)
        return self._in_pieces(complete, path, items, position, fields)

    async def _in_pieces(self, complete: Any, path: Any, items: Any, position: Any, fields: int) -> list[Any]:
        """The entries in their order. Those that wait do so together, as long as they are not too many."""
        spending, completed = self.spending, list[Any]()
        size, most = max(MAX_FIELDS_OF_A_PIECE // fields, 1), max(MAX_FIELDS_TOGETHER // fields, 1)
        waiting: list[tuple[int, Any]] = []
        assert spending is not None
        try:
            for start in range(0, len(items), size):
                if start and spending.is_over():
                    await spending.turn()
                if spending.failure is not None:
                    break
                piece = complete(_From(path, start), items[start : start + size], position)
                if self.is_awaitable(piece):
                    waiting.append((start, piece))
                    completed += [None] * len(items[start : start + size])
                    if len(waiting) * size >= most:
                        await _filled(waiting, completed)
                else:
                    completed += piece
            await _filled(waiting, completed)
        finally:
            for _, piece in waiting:  # that will not run
                piece.close()
        return completed

    def _width(self, type_: Any, nodes: list[FieldNode]) -> int:
        if self._costs is None or nodes[0].selection_set is None:
            return 1
        key = tuple(map(id, nodes))
        if key not in self._widths:
            self._widths[key] = max(self._costs.width(type_, nodes), 1)
        return self._widths[key]

    def _stop(self, over: OverBudget) -> None:
        assert self.spending is not None
        self.spending.stop_soon(over)


async def _filled(waiting: list[tuple[int, Any]], completed: list[Any]) -> None:
    """Await all of these pieces, and put their entries where they belong."""
    pieces = waiting[:]
    waiting.clear()
    for (start, _), done in zip(pieces, await gather_with_cancel(*(piece for _, piece in pieces)), strict=True):
        completed[start : start + len(done)] = done


class _From:
    """The path of a list, for a part of it that begins at an index."""

    __slots__ = ("_path", "_start", "key", "prev", "typename")

    def __init__(self, path: Any, start: int) -> None:
        self._path = path
        self._start = start
        self.prev, self.key, self.typename = path

    def add_key(self, key: int, typename: str | None = None) -> Any:
        """The path of an entry."""
        return self._path.add_key(self._start + key, typename)
