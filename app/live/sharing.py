"""Updates executed once for everybody who asked for the same, and delivered as bytes.

Subscriptions to executions with the same document, operation and viewer's scope share each result. Their filters are
predicates, tested once for each distinct one (app/live/feed.py). What cannot be shared is executed by itself.
docs/adr/0015 has the reasons.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import orjson
from graphql import DocumentNode, GraphQLSchema

from app.auth.roles import Role, Viewer
from app.executions.filters import ExecutionFilter
from app.graphql.documents import documents_of
from app.graphql.executor import EventByEvent, executor_of
from app.graphql.messages import Operation
from app.graphql.operations import Operations, Pushed, Result, check_available, response
from app.graphql.plans import prepare
from app.graphql.queries import prepared
from app.graphql.shareable import Field, ShareableDocuments
from app.graphql.variables import check_variables
from app.live.feed import Feed
from app.live.groups import Group
from app.live.member import Member
from app.live.updates import Update, Watchable
from app.rates import FREE

SHARED = Field("executionUpdated", frozenset({"filter", "after"}))


class _Asked(Exception):
    """The resolver got as far as asking for updates: the operation is valid and permitted."""

    def __init__(self, where: ExecutionFilter, after: str | None) -> None:
        self.where = where
        self.after = after


class _Asking:
    """Stands in for the feed, to find out what a subscription would ask of it."""

    async def watch(self, where: ExecutionFilter, after: str | None = None) -> AsyncGenerator[Update, None]:
        raise _Asked(where, after)
        yield


class SharedUpdates:
    """Executes operations: subscriptions to executions together where possible, everything else by `ordinary`.

    `make_context` makes a viewer's context with something in position of the feed; `root_of` makes the schema's update.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        ordinary: Operations[Any],
        feed: Feed,
        make_context: Callable[[Viewer, Watchable], Any],
        root_of: Callable[[Update], Any],
    ) -> None:
        self._schema = schema
        self._prepared = documents_of(schema)
        self._documents = ShareableDocuments(self._prepared, SHARED)
        self._ordinary = ordinary
        self._feed = feed
        self._make_context = make_context
        self._root_of = root_of
        self._groups: dict[tuple[object, ...], Group] = {}

    async def start(self, context: Any, operation: Operation) -> AsyncIterator[Result] | Pushed:
        """The results of an operation. Shared results come by themselves."""
        values = check_variables(operation.variables)
        known = self._prepared.is_known(operation.query, operation.name)
        context.spending.begin(0 if known else len(operation.query), values)
        kept = await prepared(self._prepared, operation, context)
        document = self._documents.find(operation.query, operation.name)
        context.client.operation = kept.name
        member = None if document is None else await self._member(context, operation, document)
        return member or await self._ordinary.start(context, operation)

    async def _member(self, context: Any, operation: Operation, document: DocumentNode) -> Member | None:
        """One of those who ask for the same; None if it is to be executed by itself."""
        viewer: Viewer = context.viewer
        if context.compiled:
            await prepare(self._schema, operation, context)
        asking = self._make_context(viewer, _Asking())
        executor = executor_of(self._schema, document, asking, operation.variables, operation.name)
        asked = None if executor is None else await _asked(executor)
        if executor is None or asked is None:
            return None
        position = self._feed.position_of(asked.after)
        scope = (viewer.role, viewer.engine)
        group = self._group((operation.query, operation.name, scope), executor, scope)
        return Member(self._feed, group, asked.where, position, context.client)

    def _group(self, key: tuple[object, ...], executor: EventByEvent, scope: tuple[Role, str | None]) -> Group:
        group = self._groups.get(key)
        if group is None:

            async def execute(update: Update) -> bytes:
                # Nothing may depend on whose token it is: a viewer with the same scope gets the same bytes. But turns
                # are the payer's, or thousands of one token's would be ahead of everybody's; and only members pay, or
                # any of them would spend what all groups have.
                anybody = Viewer("", *scope, credential=made.payers.key)
                context = self._make_context(anybody, self._feed)
                context.client = FREE
                result = await executor.execute_event(self._root_of(update), context)
                check_available(result.errors)
                made.payers.pay(context.spending.counted)
                return orjson.dumps(response(result.data, result.errors, context))

            group = made = self._groups[key] = Group(self._feed, execute, lambda: self._groups.pop(key, None))
        return group


async def _asked(executor: EventByEvent) -> _Asked | None:
    """What a subscription asks of the feed; None if it is executed by itself: a dear one, or one that fails."""
    if executor.is_dear:
        return None
    try:
        source = await executor.source()
        if source is not None:
            await anext(aiter(source))
    except _Asked as asked:
        return asked
    except Exception:  # noqa: S110  # the ordinary way says it
        pass
    return None
