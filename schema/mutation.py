"""The verbs, as a table of contents."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from app.error_groups.fingerprints import Distinction
from resolvers import alerts as alert_resolvers
from resolvers import engines as engine_resolvers
from resolvers import error_groups as group_resolvers
from resolvers import executions as execution_resolvers
from resolvers import resolutions as resolution_resolvers
from resolvers import retries as retry_resolvers
from resolvers import saved_views as saved_view_resolvers
from resolvers import sessions as session_resolvers
from resolvers import tokens as token_resolvers
from schema.alert_rule import SaveAlertRulePayload, TestAlertRulePayload, overlap
from schema.alert_rule_input import AlertRuleInput
from schema.bulk_retry import BulkRetry
from schema.context import Info
from schema.engine_connection import (
    ConnectEngineInput,
    ConnectEnginePayload,
    DisconnectEnginePayload,
    RotateEngineSecretInput,
    TestEnginePayload,
)
from schema.error_group import (
    ErrorGroup,
    MergeErrorGroupsInput,
    MergeErrorGroupsPayload,
    SetErrorGroupStateInput,
    SetErrorGroupStatePayload,
    SplitErrorGroupInput,
    SplitErrorGroupPayload,
    UnmergeErrorGroupPayload,
)
from schema.resolution import ResolveExecutionsInput, ResolveExecutionsPayload, UnresolveExecutionsInput
from schema.retry import RetryExecutionInput, RetryExecutionPayload, RetryExecutionsInput
from schema.saved_view import SavedView, SavedViewInput, SaveViewPayload
from schema.scalars import Json, verb_id
from schema.session import EndSessionsInput, EndSessionsPayload
from schema.token import CreateTokenPayload, RevokeTokenPayload, Token, TokenInput

RetryInput = Annotated[RetryExecutionInput, strawberry.argument(description="The execution to retry.")]
BulkInput = Annotated[
    RetryExecutionsInput, strawberry.argument(description="The executions to retry, and whether this is a dry run.")
]
ExecutionId = Annotated[strawberry.ID, strawberry.argument(description="The execution.")]
GroupId = Annotated[strawberry.ID, strawberry.argument(description="The error group.")]
GroupStateInput = Annotated[
    SetErrorGroupStateInput, strawberry.argument(description="The error group, and what to say of it.")
]
MergeInput = Annotated[MergeErrorGroupsInput, strawberry.argument(description="The error groups to merge.")]
NewToken = Annotated[TokenInput, strawberry.argument(description="The token to create.")]
TokenId = Annotated[strawberry.ID, strawberry.argument(description="The token.")]
EngineId = Annotated[strawberry.ID, strawberry.argument(description="The engine.")]
NewEngine = Annotated[ConnectEngineInput, strawberry.argument(description="The engine to connect.")]
Rotation = Annotated[RotateEngineSecretInput, strawberry.argument(description="The engine whose secret to renew.")]
ResolveInput = Annotated[
    ResolveExecutionsInput,
    strawberry.argument(description="The failures to resolve by hand, and how they were mended."),
]
UnresolveInput = Annotated[
    UnresolveExecutionsInput, strawberry.argument(description="The executions whose resolutions to take back.")
]
SplitInput = Annotated[SplitErrorGroupInput, strawberry.argument(description="The error group to split, and by what.")]
Ending = Annotated[EndSessionsInput, strawberry.argument(description="Which sessions to end.")]
RuleInput = Annotated[AlertRuleInput, strawberry.argument(description="The rule to create or change.")]


@strawberry.type(description="Everything that changes something.")
class Mutation:
    """Everything that changes something."""

    @strawberry.field(
        description=(
            "Connects an engine: retries of its runs go to a webhook, whose secret this shows, once, or to its Celery"
            " broker. BAD_USER_INPUT for an invalid name, URL or key; CONFLICT for an engine that is connected already"
            " unless `replace`, for a key of another way back, and if another server could not read what this one"
            " encrypts. ADMIN only, and audited."
        )
    )
    async def connect_engine(self, info: Info, input: NewEngine) -> ConnectEnginePayload:
        """Audited."""
        return ConnectEnginePayload.of(await engine_resolvers.connect_engine(info.context, input.wanted))

    @strawberry.field(
        description=(
            "Creates an API token, and shows its secret, once. BAD_USER_INPUT for an invalid name, engine or time;"
            " FORBIDDEN for a role that may do more than you. ADMIN only, and audited."
        )
    )
    async def create_token(self, info: Info, input: NewToken) -> CreateTokenPayload:
        """Audited."""
        secret, token = await token_resolvers.create_token(info.context, input.new_token())
        return CreateTokenPayload(token=Token.of(token), secret=secret)

    @strawberry.field(
        description=(
            "Deletes an alert rule and returns its id. Its alerts stay. NOT_FOUND for an unknown id. ADMIN only."
        )
    )
    async def delete_alert_rule(self, info: Info, id: strawberry.ID) -> strawberry.ID:
        """Audited."""
        await alert_resolvers.delete_rule(info.context, partial(verb_id, "alertRule", id))
        return id

    @strawberry.field(
        description=(
            "Deletes a saved view and returns its id. NOT_FOUND for an unknown id or somebody else's view; FORBIDDEN"
            " for a shared one unless ADMIN."
        )
    )
    async def delete_view(self, info: Info, id: strawberry.ID) -> strawberry.ID:
        """Audited if it was shared."""
        await saved_view_resolvers.delete_view(info.context, partial(verb_id, "savedView", id))
        return id

    @strawberry.field(
        description=(
            "Disconnects an engine: deletes its webhook or broker with the secret, and cancels the retries that it has"
            " not accepted. Waits for those that are being sent: after the answer nothing more is. Its events are"
            " accepted as before, since its tokens stay. Disconnecting it again changes nothing. NOT_FOUND for an"
            " unknown id. ADMIN only, and audited."
        )
    )
    async def disconnect_engine(self, info: Info, id: EngineId) -> DisconnectEnginePayload:
        """Audited."""
        disconnected = await engine_resolvers.disconnect_engine(info.context, partial(verb_id, "engine", id))
        return DisconnectEnginePayload.of(disconnected)

    @strawberry.field(
        description=(
            "Ends sessions of browsers: they are refused at once, in every process, and their sockets are closed with"
            " 4403. NOT_FOUND for an unknown id, a session that has ended, or somebody else's unless ADMIN; FORBIDDEN"
            " for a name unless ADMIN. Audited."
        )
    )
    async def end_sessions(self, info: Info, input: Ending) -> EndSessionsPayload:
        """Audited."""
        return EndSessionsPayload(ended=await session_resolvers.end_sessions(info.context, input.ending))

    @strawberry.field(
        description=(
            "Merges error groups into another one, which keeps its id: their executions, counts and ids count as its"
            " own, those of runs to come too. Nothing else changes, no alert fires, and `unmergeErrorGroup` undoes it."
            " Merging again changes nothing. NOT_FOUND for an unknown id; BAD_USER_INPUT for none or more than 200;"
            " LIMIT_EXCEEDED for a group of more than 200. ADMIN only, and audited."
        )
    )
    async def merge_error_groups(self, info: Info, input: MergeInput) -> MergeErrorGroupsPayload:
        """Audited."""
        merged = partial(lambda given: [verb_id("errorGroup", id_) for id_ in given], input.from_)
        into = partial(verb_id, "errorGroup", input.into)
        group = await group_resolvers.merge_error_groups(info.context, merged, into)
        return MergeErrorGroupsPayload(group=ErrorGroup.of(group))

    @strawberry.field(
        description=(
            "Gives the webhook of an alert rule another secret. Requests have the signatures of both for `overlapHours`"
            " (0 to 720). NOT_FOUND for an unknown id; CONFLICT for a rule without a webhook; BAD_USER_INPUT for other"
            " hours. ADMIN only, and audited."
        )
    )
    async def renew_alert_secret(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Global id of the rule.")],
        overlap_hours: Annotated[
            float, strawberry.argument(description="Hours for which the present secret signs too.")
        ] = 24,
    ) -> SaveAlertRulePayload:
        """Audited."""
        rule_id = partial(verb_id, "alertRule", id)
        saved = await alert_resolvers.renew_secret(info.context, rule_id, partial(overlap, overlap_hours))
        return SaveAlertRulePayload.of(saved)

    @strawberry.field(
        description=(
            "Resolves failures by hand: those that were mended outside Runwatch. They and what they retry count as"
            " `resolved`; nothing else changes, no streak ends, and they can be retried. Skips what did not fail or is"
            " resolved. `unresolveExecutions` takes it back. NOT_FOUND for an unknown id; BAD_USER_INPUT for an invalid"
            " note or filter; LIMIT_EXCEEDED for more than 1,000 ids. ADMIN only, and audited."
        )
    )
    async def resolve_executions(self, info: Info, input: ResolveInput) -> ResolveExecutionsPayload:
        """One commit."""
        mended = partial(input.mended, info.context.viewer.name)
        settled = await resolution_resolvers.resolve_executions(info.context, mended)
        return ResolveExecutionsPayload.of(settled)

    @strawberry.field(
        description=(
            "Retries a failed execution: creates an execution with the original trigger data and delivers"
            " it to the engine. Returns the retry in progress if there is one. RETRY_REFUSED names every"
            " reason in `extensions.reasons`; NOT_FOUND for an unknown id. ADMIN only."
        )
    )
    async def retry_execution(self, info: Info, input: RetryInput) -> RetryExecutionPayload:
        """One click."""
        execution_id = partial(verb_id, "execution", input.execution_id)
        retry = await retry_resolvers.retry_execution(info.context, execution_id, input.idempotency_key)
        return RetryExecutionPayload.of(retry)

    @strawberry.field(
        description=(
            "Retries many executions, each with its own trigger data. By default a dry run, which only"
            " shows what would be retried. Asking again with the same snapshot, after a lost answer or in another tab,"
            " gives no execution its turn twice. ADMIN only."
        )
    )
    async def retry_executions(self, info: Info, input: BulkInput) -> BulkRetry:
        """Chunks commit by themselves."""
        request = partial(input.request, info.context.viewer.name)
        return BulkRetry.of(await retry_resolvers.retry_executions(info.context, request))

    @strawberry.field(
        description=(
            "Returns the trigger data as the engine sent it, secrets in the clear. Null if the engine"
            " sent none. NOT_FOUND for an unknown id. ADMIN only, and audited."
        )
    )
    async def reveal_trigger(self, info: Info, execution_id: ExecutionId) -> Json | None:
        """Audited."""
        data = await execution_resolvers.reveal_trigger(info.context, partial(verb_id, "execution", execution_id))
        return None if data is None else Json(data)

    @strawberry.field(
        description=(
            "Revokes an API token at once and for good, with the sessions behind which it stands. Revoking it again"
            " changes nothing. NOT_FOUND for an unknown id. ADMIN only, and audited."
        )
    )
    async def revoke_token(self, info: Info, id: TokenId) -> RevokeTokenPayload:
        """Audited."""
        return RevokeTokenPayload(
            token=Token.of(await token_resolvers.revoke_token(info.context, partial(verb_id, "token", id)))
        )

    @strawberry.field(
        description=(
            "Gives the webhook of an engine another secret, and shows it, once. Requests have the signatures of both"
            " for `overlapHours`. NOT_FOUND for an unknown id; CONFLICT for an engine without a webhook; BAD_USER_INPUT"
            " for other hours or an invalid key. ADMIN only, and audited."
        )
    )
    async def rotate_engine_secret(self, info: Info, input: Rotation) -> ConnectEnginePayload:
        """Audited."""
        return ConnectEnginePayload.of(await engine_resolvers.rotate_secret(info.context, input.rotation))

    @strawberry.field(
        description=(
            "Creates an alert rule, or changes the rule with the given id. NOT_FOUND for an unknown rule,"
            " workflow or engine; LIMIT_EXCEEDED beyond 500 rules. ADMIN only."
        )
    )
    async def save_alert_rule(self, info: Info, input: RuleInput) -> SaveAlertRulePayload:
        """Audited."""
        return SaveAlertRulePayload.of(await alert_resolvers.save_rule(info.context, input.change))

    @strawberry.field(
        description=(
            "Creates a saved view, or changes the view with the given id. NOT_FOUND for an unknown id or somebody"
            " else's view; FORBIDDEN unless an ADMIN shares it; LIMIT_EXCEEDED beyond 100 own or shared ones."
        )
    )
    async def save_view(
        self, info: Info, input: Annotated[SavedViewInput, strawberry.argument(description="The view.")]
    ) -> SaveViewPayload:
        """Audited if it is shared."""
        view = await saved_view_resolvers.save_view(info.context, input.change)
        return SaveViewPayload(view=SavedView.of(view))

    @strawberry.field(
        description=(
            "Says of an error group that its cause is mended (RESOLVED: REGRESSED as soon as a failure was queued"
            " later), or that nobody wants to see it (MUTED, until a time or for good); null takes either back. Its"
            " executions stay as they are. NOT_FOUND for an unknown id; BAD_USER_INPUT for OPEN and REGRESSED, which"
            " cannot be set, and for a time that is past or without MUTED. ADMIN only, and audited."
        )
    )
    async def set_error_group_state(self, info: Info, input: GroupStateInput) -> SetErrorGroupStatePayload:
        """Audited."""
        group = await group_resolvers.set_error_group_state(info.context, input.group_id, input.marking)
        return SetErrorGroupStatePayload(group=ErrorGroup.of(group))

    @strawberry.field(
        description=(
            "Splits an error group: failures that differ in what `by` names are groups of their own, those to come at"
            " once, those that are there within seconds or minutes. Its id leads to the part that happened last, and in"
            " filters to all. Counts of pruned executions cannot be split. No alert fires, and `unsplitErrorGroup`"
            " undoes it. NOT_FOUND for an unknown id; BAD_USER_INPUT for an empty `by`, for a group that was merged, or"
            " split otherwise; CONFLICT while an earlier split of it is being undone; LIMIT_EXCEEDED beyond 100 splits."
            " ADMIN only, and audited."
        )
    )
    async def split_error_group(self, info: Info, input: SplitInput) -> SplitErrorGroupPayload:
        """Audited."""
        by = [Distinction[each.name] for each in input.by]
        group = await group_resolvers.split_error_group(info.context, partial(verb_id, "errorGroup", input.id), by)
        return SplitErrorGroupPayload(group=ErrorGroup.of(group))

    @strawberry.field(
        description=(
            "Sends a test by each channel of an alert rule, at once, whatever its quiet hours, and says what became of"
            " it. No alert fires. NOT_FOUND for an unknown id. ADMIN only, and audited."
        )
    )
    async def test_alert_rule(self, info: Info, id: strawberry.ID) -> TestAlertRulePayload:
        """Audited."""
        return TestAlertRulePayload.of(await alert_resolvers.test_rule(info.context, partial(verb_id, "alertRule", id)))

    @strawberry.field(
        description=(
            "Connects to the webhook's host or the broker of an engine, and sends nothing. NOT_FOUND for an unknown id;"
            " CONFLICT for an engine that has none. ADMIN only, and audited."
        )
    )
    async def test_engine(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The engine.")]
    ) -> TestEnginePayload:
        """Audited."""
        found = await engine_resolvers.test_engine(info.context, partial(verb_id, "engine", id))
        return TestEnginePayload(reached=found.is_reached, detail=found.detail)

    @strawberry.field(
        description=(
            "Takes an error group out of the one that it was merged into; of one that others were merged into, takes"
            " all of them out. Any other group stays as it is. NOT_FOUND for an unknown id. ADMIN only, and audited."
        )
    )
    async def unmerge_error_group(self, info: Info, id: GroupId) -> UnmergeErrorGroupPayload:
        """Audited."""
        group = await group_resolvers.unmerge_error_group(info.context, partial(verb_id, "errorGroup", id))
        return UnmergeErrorGroupPayload(group=ErrorGroup.of(group))

    @strawberry.field(
        description=(
            "Takes back what `resolveExecutions` said of executions; skips those without a resolution of their own."
            " NOT_FOUND for an unknown id; LIMIT_EXCEEDED for more than 1,000. ADMIN only, and audited."
        )
    )
    async def unresolve_executions(self, info: Info, input: UnresolveInput) -> ResolveExecutionsPayload:
        """One commit."""
        settled = await resolution_resolvers.unresolve_executions(info.context, input.chosen)
        return ResolveExecutionsPayload.of(settled)

    @strawberry.field(
        description=(
            "Undoes the split of an error group, or of the one that this is a part of: within seconds or minutes its"
            " parts are one group again, and their ids lead to it. Any other group stays as it is. NOT_FOUND for an"
            " unknown id; BAD_USER_INPUT while one of the parts is merged. ADMIN only, and audited."
        )
    )
    async def unsplit_error_group(self, info: Info, id: GroupId) -> SplitErrorGroupPayload:
        """Audited."""
        group = await group_resolvers.unsplit_error_group(info.context, partial(verb_id, "errorGroup", id))
        return SplitErrorGroupPayload(group=ErrorGroup.of(group))
