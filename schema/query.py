"""The reads, as a table of contents."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from app import ids
from app.graphql.compiled.projections import selected_columns
from app.metrics.workflows import Order
from resolvers import alerts as alert_resolvers
from resolvers import audit as audit_resolvers
from resolvers import engines as engine_resolvers
from resolvers import error_groups as error_group_resolvers
from resolvers import executions as execution_resolvers
from resolvers import facets as facet_resolvers
from resolvers import metrics as metrics_resolvers
from resolvers import saved_views as saved_view_resolvers
from resolvers import server as server_resolvers
from resolvers import sessions as session_resolvers
from resolvers import tokens as token_resolvers
from resolvers import workflows as workflow_resolvers
from schema.alert import AlertConnection, AlertFilter
from schema.alert_condition import AlertConditionInput
from schema.alert_rule import AlertPreview, AlertProposal, AlertRule, Days
from schema.audit import AuditEntryConnection, AuditFilter
from schema.bulk_retry import BulkRetry
from schema.context import Info
from schema.engine import Engine, EngineIssueConnection
from schema.error_group_list import ErrorGroupConnection, ErrorGroupOrder, group_filter
from schema.error_group_list import Order as GroupOrder
from schema.error_group_list import Search as GroupSearch
from schema.error_group_list import States as GroupStates
from schema.execution import Execution
from schema.execution_input import DEFAULT_ORDER, ExecutionFilter, ExecutionOrder
from schema.execution_list import ExecutionConnection
from schema.facets import ExecutionFacets
from schema.figures import PERCENTILES
from schema.log import ExecutionLogConnection
from schema.log_input import (
    AroundLine,
    AroundSize,
    ExecutionId,
    FirstLines,
    LastLines,
    LogSearch,
    MinLevel,
    SkipLines,
    StepId,
    log_filter,
    log_request,
)
from schema.mentions import mentions, selects
from schema.metrics import ExecutionHistogram, ExecutionMetrics
from schema.metrics_input import Bucket, HistogramWindow, MetricsBucket, MetricsFilter, TimeZone
from schema.node import Node
from schema.nodes import find
from schema.paging import After, Before, First, Last, PageRequest
from schema.projections import READS_EXECUTIONS
from schema.saved_view import SavedView
from schema.scalars import local_id
from schema.server import Server
from schema.session import Session
from schema.token import Token
from schema.viewer import Viewer
from schema.workflow import Workflow, WorkflowConnection
from schema.workflow_metrics import WorkflowMetricsConnection, parts_of


def _local_or_none(kind: str, global_id: str | None) -> str | None:
    return None if global_id is None else local_id(kind, global_id)


@strawberry.type(
    description=(
        "Everything that reads. A field that fails is null and has an error; the others answer as usual. Only `viewer`"
        " cannot fail."
    )
)
class Query:
    """Everything that reads."""

    @strawberry.field(
        description=(
            "When a rule with this condition, about one workflow or about each, would have fired in the days before."
            " BAD_USER_INPUT for a condition or days out of range."
        )
    )
    async def alert_preview(
        self,
        info: Info,
        condition: Annotated[AlertConditionInput, strawberry.argument(description="What the rule would be about.")],
        workflow_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Workflow to watch. Null: every workflow.")
        ] = None,
        days: Days = 7,
    ) -> AlertPreview | None:
        """Reckoned."""
        watched = partial(_local_or_none, "workflow", workflow_id)
        return AlertPreview.of(await alert_resolvers.preview_rule(info.context, condition.condition, watched, days))

    @strawberry.field(
        description=(
            "At most three rules about every workflow that somebody could begin with, made to the measure of the last"
            " seven days. None of a kind that a rule about every workflow has already, and none without any run."
        )
    )
    async def alert_proposals(self, info: Info) -> list[AlertProposal] | None:
        """Reckoned."""
        return [AlertProposal.of(each) for each in await alert_resolvers.propose_rules(info.context)]

    @strawberry.field(description="All alert rules, oldest first. At most 500.")
    async def alert_rules(self, info: Info) -> list[AlertRule] | None:
        """Rules are few."""
        return [AlertRule.of(rule) for rule in await alert_resolvers.list_rules(info.context)]

    @strawberry.field(description="Fired alerts, newest first.")
    async def alerts(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[AlertFilter | None, strawberry.argument(description="Filter.")] = None,
    ) -> AlertConnection | None:
        """A page of the history of alerts."""
        where, request = partial(AlertFilter.where, filter), partial(PageRequest, first, after, last, before)
        return AlertConnection.of(await alert_resolvers.list_alerts(info.context, where, request))

    @strawberry.field(description="Audit log, newest first. ADMIN only.")
    async def audit_log(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[AuditFilter | None, strawberry.argument(description="Filter.")] = None,
    ) -> AuditEntryConnection | None:
        """A page of the audit."""
        where, request = partial(AuditFilter.where, filter), partial(PageRequest, first, after, last, before)
        return AuditEntryConnection.of(await audit_resolvers.list_entries(info.context, where, request))

    @strawberry.field(
        description=(
            "One bulk retry, as far as it has come. Null for an unknown id, 30 days after its start, and 10 minutes"
            " after a dry run."
        )
    )
    async def bulk_retry(self, info: Info, id: strawberry.ID) -> BulkRetry | None:
        """By global id."""
        found: BulkRetry | None = await find(info, "bulkRetry", id)
        return found

    @strawberry.field(
        description=(
            "What Runwatch rejected or corrected of an engine's events, those seen last first. It keeps 200 kinds of"
            " them for each engine. None for an unknown id."
        )
    )
    async def engine_issues(
        self,
        info: Info,
        engine_id: Annotated[strawberry.ID, strawberry.argument(description="Global id of the engine.")],
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> EngineIssueConnection | None:
        """A page of issues."""
        request = partial(PageRequest, first, after, last, before)
        id_ = partial(local_id, "engine", engine_id)
        return EngineIssueConnection.of(await engine_resolvers.list_issues(info.context, id_, request))

    @strawberry.field(description="All engines, by name.")
    async def engines(self, info: Info) -> list[Engine] | None:
        """Engines are few."""
        return [Engine.of(engine) for engine in await engine_resolvers.list_engines(info.context)]

    @strawberry.field(
        description="Error groups with failures in a window, most frequent first unless `orderBy` says else."
    )
    async def error_groups(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            MetricsFilter | None, strawberry.argument(description="Window and filter of the failures.")
        ] = None,
        order_by: GroupOrder = ErrorGroupOrder.COUNT,
        search: GroupSearch = None,
        state: GroupStates = None,
        bucket: Bucket = MetricsBucket.AUTO,
        time_zone: TimeZone = "UTC",
    ) -> ErrorGroupConnection | None:
        """A page of what goes wrong."""
        where, request = partial(group_filter, filter, search, state), partial(PageRequest, first, after, last, before)
        order, width = ErrorGroupOrder.order(order_by), MetricsBucket.bucket(bucket)
        listed = await error_group_resolvers.list_error_groups(
            *(info.context, where, request, order, width, time_zone),
            trend=mentions(info, {"trend"}),
            unresolved=mentions(info, {"unresolved"}),
        )
        return ErrorGroupConnection.of(listed)

    @strawberry.field(description="One execution. Null for an unknown id.")
    async def execution(self, info: Info, id: strawberry.ID) -> Execution | None:
        """By global id."""
        found: Execution | None = await find(info, "execution", id)
        return found

    @strawberry.field(
        description=(
            "How many executions a filter lets through, by what could be chosen next. Null, with"
            " BAD_USER_INPUT, for an invalid filter."
        )
    )
    async def execution_facets(
        self,
        info: Info,
        filter: Annotated[ExecutionFilter | None, strawberry.argument(description="Filter.")] = None,
    ) -> ExecutionFacets | None:
        """Each is counted only if selected."""
        where = await facet_resolvers.find_facets(info.context, partial(ExecutionFilter.where, filter))
        return ExecutionFacets(where=where)

    @strawberry.field(
        description=(
            "Executions per bucket of queuedAt. queuedTo defaults to now, queuedFrom to what `window` says."
            " BAD_USER_INPUT for more than 400 days or 1,500 buckets."
        )
    )
    async def execution_histogram(
        self,
        info: Info,
        filter: Annotated[ExecutionFilter | None, strawberry.argument(description="Filter.")] = None,
        bucket: Bucket = MetricsBucket.AUTO,
        window: Annotated[
            HistogramWindow, strawberry.argument(description="Where the window begins if the filter has no queuedFrom.")
        ] = HistogramWindow.LAST_24_HOURS,
        time_zone: TimeZone = "UTC",
    ) -> ExecutionHistogram | None:
        """What the list has, over time."""
        where, width = partial(ExecutionFilter.where, filter), MetricsBucket.bucket(bucket)
        histograms, fit = mentions(info, PERCENTILES), window is HistogramWindow.FIT
        return ExecutionHistogram.of(
            await metrics_resolvers.measure_executions(
                info.context, where, width, time_zone, fit=fit, histograms=histograms
            )
        )

    @strawberry.field(description="Log of an execution, oldest lines first. Null for an unknown id.")
    async def execution_logs(
        self,
        info: Info,
        execution_id: ExecutionId,
        first: FirstLines = None,
        after: After = None,
        last: LastLines = None,
        before: Before = None,
        min_level: MinLevel = None,
        step_id: StepId = None,
        search: LogSearch = None,
        around: AroundLine = None,
        size: AroundSize = 200,
        skip: SkipLines = None,
    ) -> ExecutionLogConnection | None:
        """A page of a log."""
        id_ = ids.from_global("execution", execution_id) or ""
        where = partial(log_filter, id_, min_level, step_id, search)
        request = partial(log_request, id_, first, after, last, before, around, size, skip)
        return await ExecutionLogConnection.find(info, id_, where, request)

    @strawberry.field(description="Executions, newest first by default.", metadata=READS_EXECUTIONS)
    async def executions(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        order_by: Annotated[
            ExecutionOrder | None, strawberry.argument(description="Order. Defaults to newest first.")
        ] = DEFAULT_ORDER,
        filter: Annotated[ExecutionFilter | None, strawberry.argument(description="Filter.")] = None,
    ) -> ExecutionConnection | None:
        """A page of the history."""
        where, order = partial(ExecutionFilter.where, filter), partial(ExecutionOrder.order, order_by)
        request = partial(PageRequest, first, after, last, before)
        listed = await execution_resolvers.list_executions(
            *(info.context, where, order, request),
            follows=selects(info, "updatesCursor"),
            columns=selected_columns(info),
        )
        return ExecutionConnection.of(listed)

    @strawberry.field(
        description=(
            "Figures of a window. Defaults to the last 24 hours. BAD_USER_INPUT for more than 400 days or"
            " 1,500 buckets."
        )
    )
    async def metrics(
        self,
        info: Info,
        filter: Annotated[MetricsFilter | None, strawberry.argument(description="Filter.")] = None,
        bucket: Bucket = MetricsBucket.AUTO,
        time_zone: TimeZone = "UTC",
    ) -> ExecutionMetrics | None:
        """Figures to steer by."""
        return await ExecutionMetrics.read(info, partial(MetricsFilter.where, filter), bucket, time_zone)

    @strawberry.field(description="One object by global id. Null for an unknown id.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        """By global id."""
        found: Node | None = await find(info, id.partition("_")[0], id)
        return found

    @strawberry.field(description="One's own saved views by name, then those that are shared. At most 200.")
    async def saved_views(self, info: Info) -> list[SavedView] | None:
        """Views are few."""
        return [SavedView.of(view) for view in await saved_view_resolvers.list_views(info.context)]

    @strawberry.field(description="The server that answers: its version, its page, its clock, how long it keeps runs.")
    def server(self, info: Info) -> Server | None:
        """Without a read."""
        return Server.of(server_resolvers.about(info.context))

    @strawberry.field(
        description=(
            "Browsers that are signed in, those seen last first: for ADMIN everybody's, for others those that their own"
            " credential began. At most 1,000."
        )
    )
    async def sessions(self, info: Info) -> list[Session] | None:
        """Sessions are few."""
        viewer = info.context.viewer
        return [Session.of(each, viewer) for each in await session_resolvers.list_sessions(info.context)]

    @strawberry.field(description="All API tokens, newest first, expired and revoked ones too. ADMIN only.")
    async def tokens(self, info: Info) -> list[Token] | None:
        """Tokens are few."""
        return [Token.of(token) for token in await token_resolvers.list_tokens(info.context)]

    @strawberry.field(description="Trigger kinds of all executions, sorted by code points.")
    async def trigger_kinds(self, info: Info) -> list[str] | None:
        """To choose from."""
        return await metrics_resolvers.list_trigger_kinds(info.context)

    @strawberry.field(description="The signed-in viewer.")
    def viewer(self, info: Info) -> Viewer:
        """Every role may ask this, so there is no permission to ask for: whoever has signed in has a viewer."""
        return Viewer.of(info.context.viewer)

    @strawberry.field(description="One workflow. Null for an unknown id.")
    async def workflow(self, info: Info, id: strawberry.ID) -> Workflow | None:
        """By global id."""
        found: Workflow | None = await find(info, "workflow", id)
        return found

    @strawberry.field(
        description=(
            "All workflows with their figures of a window. The filter's conditions of workflow and engine say which;"
            " those without a run in the window have figures of 0. BAD_USER_INPUT for more than 400 days or 1,500"
            " buckets."
        )
    )
    async def workflow_metrics(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[MetricsFilter | None, strawberry.argument(description="Filter.")] = None,
        order_by: Annotated[
            Order, strawberry.argument(description="Order. SUCCESS_RATE: least first; the others: greatest first.")
        ] = Order.FAILED,
        search: Annotated[
            str | None, strawberry.argument(description="Workflows whose name contains this text, in any case.")
        ] = None,
        bucket: Bucket = MetricsBucket.AUTO,
        time_zone: TimeZone = "UTC",
    ) -> WorkflowMetricsConnection | None:
        """A page of how each workflow does."""
        where, request = partial(MetricsFilter.where, filter), partial(PageRequest, first, after, last, before)
        parts = partial(parts_of, info, MetricsBucket.bucket(bucket), listed=True)
        return WorkflowMetricsConnection.of(
            await metrics_resolvers.list_workflows(
                *(info.context, where, order_by, search, request, time_zone, parts),
                follows=selects(info, "updatesCursor"),
            )
        )

    @strawberry.field(description="Workflows by name, sorted by code points.")
    async def workflows(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        search: Annotated[
            str | None, strawberry.argument(description="Workflows whose name contains this text, in any case.")
        ] = None,
    ) -> WorkflowConnection | None:
        """A page of workflows."""
        request = partial(PageRequest, first, after, last, before)
        return WorkflowConnection.of(await workflow_resolvers.list_workflows(info.context, search, request))
