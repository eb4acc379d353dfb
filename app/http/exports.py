"""POST /api/export/…: lists and logs as files. A POST, so that no filter lands in a log or an address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app import audit, clock, ids
from app.asgi.answers import error_body
from app.asgi.body import read_body
from app.auth import Permission, Viewer
from app.db import Database, Transaction
from app.errors import AppError, BadInput, NotFound, Unavailable, UnsupportedMediaType, masked, shown
from app.events import LogLevel
from app.executions import ExecutionFilter, logs
from app.executions.logs import LogFilter
from app.exports import Format, Pieces
from app.exports import executions as execution_exports
from app.exports import logs as log_exports
from app.http.gate import viewer_in
from app.log import get_logger
from app.rates import Client, Rates

log = get_logger(__name__)

# A filter of 500 ids has 22 KB.
MAX_BODY_BYTES = 256 * 1024
# Of the minute's cost of a token: an export reads for as long as its reader takes.
COST = 1_000
MAX_SECONDS = 600.0
MEDIA_TYPES = {Format.CSV: "text/csv", Format.NDJSON: "application/x-ndjson", Format.TXT: "text/plain"}


class _OfExecutions(msgspec.Struct, forbid_unknown_fields=True):
    filter: dict[str, Any] | None = None
    format: str = "csv"
    columns: list[str] | None = None


class _OfLog(msgspec.Struct, forbid_unknown_fields=True):
    execution_id: str = msgspec.field(name="executionId")
    format: str = "txt"
    min_level: str | None = msgspec.field(name="minLevel", default=None)
    step_id: str | None = msgspec.field(name="stepId", default=None)
    search: str | None = None


Asked = TypeVar("Asked", _OfExecutions, _OfLog)


class ExportsDoor:
    """Streams what a viewer may read, page by page. `filter_of` reads a filter as the GraphQL API takes it."""

    def __init__(
        self, database: Database, rates: Rates, filter_of: Callable[[dict[str, Any] | None], ExecutionFilter]
    ) -> None:
        self._database = database
        self._rates = rates
        self._filter_of = filter_of

    async def executions(self, request: Request) -> Response:
        """The executions that match a filter, newest first."""

        async def start(viewer: Viewer) -> _Export:
            asked = await _read(request, _OfExecutions)
            form = _format(asked.format, Format.CSV, Format.NDJSON)
            columns, where = execution_exports.columns_of(asked.columns), self._filter_of(asked.filter)
            pieces = execution_exports.pieces(self._database, where, columns, form)
            detail = {"filter": asked.filter, "format": form.value}
            return _Export(pieces, form, "executions", execution_exports.cut_off, ("exportExecutions", None, detail))

        return await self._answer(request, start)

    async def log(self, request: Request) -> Response:
        """The lines of one log that pass a filter, oldest first."""

        async def start(viewer: Viewer) -> _Export:
            asked = await _read(request, _OfLog)
            form = _format(asked.format, Format.TXT, Format.NDJSON)
            id_ = ids.from_global("execution", asked.execution_id)
            where = _log_filter(asked, id_)
            upto = None if id_ is None else await logs.position(self._database, id_)
            if upto is None:
                raise NotFound(f"executionId: no such execution: {asked.execution_id[:80]!r}")
            pieces = log_exports.pieces(self._database, where, upto, form)
            return _Export(pieces, form, "log", log_exports.cut_off, ("exportLog", asked.execution_id, None))

        return await self._answer(request, start)

    async def _answer(self, request: Request, start: Callable[[Viewer], Awaitable[_Export]]) -> Response:
        try:
            viewer = viewer_in(request.scope)
            viewer.require(Permission.READ)
            client = self._rates.of_operations(viewer.credential, viewer.session)
            client.take(COST)
            await client.enter()
            try:
                export = await start(viewer)
                # The first piece before the answer: what is wrong with the request, or the database, is its status.
                first = await anext(export.pieces, b"")
                await self._note(viewer, *export.audited)
            except BaseException:
                client.leave()
                raise
        except AppError as error:
            return Response(error_body(shown(error)), error.status, error.headers, "application/json")
        except Unavailable as error:
            return Response(error_body(masked(error)), 503, {"retry-after": "1"}, "application/json")
        return _Stream(export, first, client)

    async def _note(self, viewer: Viewer, action: str, subject: str | None, detail: Any) -> None:
        async def work(transaction: Transaction) -> None:
            await audit.note(transaction, viewer.name, action, subject, detail)

        await self._database.transaction(work)


class _Export(msgspec.Struct):
    pieces: Any
    format: Format
    name: str
    cut_off: Callable[[Format, str], bytes]
    audited: tuple[str, str | None, Any]


class _Stream(StreamingResponse):
    """A file that grows while it is sent. What ends it early is its last line: its status is gone."""

    def __init__(self, export: _Export, first: bytes, client: Client) -> None:
        self._pieces: Pieces = export.pieces
        self._client = client
        now = clock.to_rfc3339(clock.now_us())[:19].replace("-", "").replace(":", "")
        headers = {
            "content-disposition": f'attachment; filename="{export.name}-{now}Z.{export.format.value}"',
            "content-security-policy": "sandbox",
            "cache-control": "no-store",
        }
        super().__init__(_all_of(export, first), headers=headers, media_type=MEDIA_TYPES[export.format])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it, and gives its place back even if nobody takes it to the end."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._client.leave()
            await self._pieces.aclose()


async def _all_of(export: _Export, first: bytes) -> Pieces:
    end = monotonic() + MAX_SECONDS
    yield first
    try:
        async for piece in export.pieces:
            yield piece
            if monotonic() > end:
                yield export.cut_off(export.format, f"after {MAX_SECONDS:.0f} s")
                return
    except Exception as error:
        log.info("export_cut_off", reason=repr(error))
        why = str(error) if isinstance(error, AppError) else "since the database did not answer"
        yield export.cut_off(export.format, f"here: {why}")


async def _read(request: Request, type_: type[Asked]) -> Asked:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("Content-Type: application/json is needed")
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"The body does not fit: {error}") from None


def _format(given: str, *offered: Format) -> Format:
    found = next((each for each in offered if each.value == given), None)
    if found is None:
        raise BadInput(f"format: {given[:60]!r} is not {' or '.join(each.value for each in offered)}")
    return found


def _log_filter(asked: _OfLog, execution_id: str | None) -> LogFilter:
    level = None
    if asked.min_level is not None:
        level = LogLevel.__members__.get(asked.min_level)
        if level is None:
            raise BadInput(f"minLevel: {asked.min_level[:60]!r} is not one of {', '.join(LogLevel.__members__)}")
    step = None
    if asked.step_id is not None:
        parsed = ids.parse_step_id(asked.step_id)
        if parsed is None or parsed[0] != execution_id:
            raise BadInput(f"stepId: not a step of this execution: {asked.step_id[:80]!r}")
        step = parsed[1]
    return LogFilter(level, step, asked.search)
