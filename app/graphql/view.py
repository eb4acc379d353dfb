"""GraphQL over HTTP: a request becomes one execution, and every failure a coded answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from strawberry import Schema
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from app.asgi.answers import error_body
from app.asgi.body import receive_body
from app.asgi.etags import etag_of, is_known
from app.asgi.gzipping import MIN_BYTES, accepts_gzip, gzipped
from app.asgi.media_types import GRAPHQL_JSON, JSON, answer_type
from app.errors import (
    AppError,
    BadInput,
    ErrorCode,
    MethodNotAllowed,
    RateLimited,
    Unavailable,
    UnsupportedMediaType,
    masked,
    shown,
)
from app.graphql.asked import AskedHeaders, from_json, operation_of
from app.graphql.bounds import ClientGone, OverBudget, Spending, within
from app.graphql.client import price_of_gzip
from app.graphql.documents import Prepared
from app.graphql.errors import before_execution, shown_all
from app.graphql.messages import Operation
from app.graphql.operations import check_available
from app.graphql.persisted import Persisted
from app.graphql.queries import Queries
from app.graphql.writing import written

# HEAD is GET without a body in the answer. Neither may change anything.
SAFE = ("GET", "HEAD")
METHODS = ("GET", "HEAD", "POST")
# For the log: nobody receives it.
CLIENT_GONE = 499
# What the system takes of an answer at once, or the server's buffer does.
MAX_BYTES_SENT_AT_ONCE = 64 * 1024
# Status, headers, body: Starlette's responses and its way to a route take 40 µs.
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
_CONTENT_TYPES = {each: f"{each}; charset=utf-8".encode() for each in (JSON, GRAPHQL_JSON)}
# By whether the method is safe.
ALLOWED = {True: [OperationType.QUERY], False: [OperationType.QUERY, OperationType.MUTATION]}


class GraphQLView:
    """ASGI: serves one schema at one path. The gate in front of it has signed the viewer in."""

    def __init__(
        self,
        schema: Schema,
        make_context: Callable[[Scope], Any],
        max_body_bytes: int,
        persisted: Persisted | None = None,
    ) -> None:
        self._schema = schema
        self._queries = Queries(schema)
        self._make_context = make_context
        self._max_body_bytes = max_body_bytes
        self._persisted = persisted or Persisted(schema._schema)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A large answer has the place of its operation until its client has taken it: otherwise
        one that takes none would have any number of them held in memory.
        """
        kept: list[Spending] = []
        try:
            status, headers, body = await self._answer(scope, receive, kept)
            await send({"type": "http.response.start", "status": status, "headers": headers})
            if not kept:
                await send({"type": "http.response.body", "body": body})
                return
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})  # which waits until the client reads
        finally:
            for spending in kept:
                spending.leave()

    async def _answer(self, scope: Scope, receive: Receive, kept: list[Spending]) -> Answer:
        """The answer, and into `kept` whoever has a place until it is taken."""
        given = AskedHeaders(scope)
        media_type = answer_type(given.accept)
        safe = scope["method"] in SAFE
        try:
            context = self._make_context(scope)
            spending: Spending = context.spending
            spending.client.take(0)  # or nothing of its body is read
            operation = await self._operation(scope, given, receive, spending)
            operation = self._persisted.resolve(operation)
            self._queries.begin(operation, context)
            await spending.enter()
            prepared: Prepared | None = None
            try:
                prepared = await self._queries.prepare(operation, context, partial(_gone, receive))
                answer = await self._executed(operation, context, given, media_type, receive, safe=safe)
                if len(answer[2]) > MAX_BYTES_SENT_AT_ONCE:
                    kept.append(spending)
                return answer
            finally:
                if kept:
                    spending.settle()
                else:
                    spending.leave()
                # Whoever signed it in has begun this.
                line = scope.setdefault("state", {}).setdefault("log", {})
                line["operation"] = None if prepared is None else prepared.name
                line["cost"] = spending.client.spent
        except RateLimited as error:  # of the client, not of the operation
            return _refusal(error, media_type)
        except OverBudget as error:
            errors = [shown(error)]
            has_run = spending.failure is not None
            body = orjson.dumps({"data": None, "errors": errors} if has_run else {"errors": errors})
            status = 200 if has_run else _status_of_refused(errors, media_type)
            return _answer(_with_cost(body, context) if given.cost else body, media_type, status)
        except ClientGone:
            return CLIENT_GONE, [], b""
        except AppError as error:
            return _refusal(error, media_type)
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.MUTATION:
                return _refusal(MethodNotAllowed("Send mutations by POST"), media_type)
            return _refusal(
                BadInput("Subscribe over a WebSocket with the subprotocol graphql-transport-ws"), media_type
            )
        except Unavailable as error:
            answer = _answer(error_body(masked(error)), media_type, 503)
            answer[1].append((b"retry-after", b"1"))
            return answer
        except Exception as error:
            return _answer(error_body(masked(error)), media_type, 500)

    async def _executed(
        self,
        operation: Operation,
        context: Any,
        given: AskedHeaders,
        media_type: str,
        receive: Receive,
        *,
        safe: bool,
    ) -> Answer:
        gone = partial(_gone, receive)
        if operation.extensions:
            await self._persisted.register(operation, context)
        answer = await self._queries.answer(operation, context, gone)
        if answer is not None:
            answer = _with_cost(answer, context) if given.cost else answer
            return await _answer_of_query(answer, media_type, given, context, cached=safe)
        changes = self._queries.changes(operation)
        with nullcontext() if changes else within(context, gone):
            result = await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                operation_name=operation.name,
                context_value=context,
                allowed_operation_types=ALLOWED[safe],
            )
        if not any(value is not None for value in (getattr(result, "data", None) or {}).values()):
            check_available(getattr(result, "errors", None))
        status, answer = self._result(result, context, media_type, cost=given.cost)
        if changes or result.data is None:
            # A mutation may reveal a secret, which the size of what is compressed would tell something of.
            return _answer(answer, media_type, status)
        return await _answer_of_query(answer, media_type, given, context, cached=safe and not result.errors)

    def _result(self, result: Any, context: Any, media_type: str, *, cost: bool) -> tuple[int, bytes]:
        assert isinstance(result, ExecutionResult)
        body: dict[str, Any] = {}
        executed = result.data is not None or not before_execution(result.errors)
        if executed:
            body["data"] = result.data
        if result.errors:
            body["errors"] = shown_all(result.errors, context)
        status = 200 if executed else _status_of_refused(body["errors"], media_type)
        answer = written(body, getattr(context, "spending", None))
        return status, _with_cost(answer, context) if cost else answer

    async def _operation(self, scope: Scope, headers: AskedHeaders, receive: Receive, spending: Spending) -> Operation:
        if scope["method"] in SAFE:
            given: dict[str, object] = dict(Request(scope).query_params)
            for name in ("variables", "extensions"):
                text = given.get(name)
                given[name] = from_json(text.encode(), name) if isinstance(text, str) and text else None
            return operation_of(given)
        content_type = headers.content_type.partition(";")[0].strip().lower()
        if content_type != JSON:
            raise UnsupportedMediaType(f"Send {JSON}, not {content_type[:80] or 'a body without a content type'}")
        body = await receive_body(receive, headers.length, self._max_body_bytes, headers.encodings, spending.read)
        return operation_of(from_json(body, "The body"))


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _status_of_refused(errors: list[dict[str, Any]], media_type: str) -> int:
    """The status of a document that was not executed."""
    codes = {error["extensions"]["code"] for error in errors}
    if ErrorCode.INTERNAL in codes:
        return 500
    if ErrorCode.UNAUTHENTICATED in codes:
        return 401
    # Otherwise the client made a mistake; only the older media type calls that a success.
    return 200 if media_type == JSON else 400


def _with_cost(answer: bytes, context: Any) -> bytes:
    """A JSON object with `extensions.cost` at its end."""
    spending = context.spending
    return b'%b,"extensions":{"cost":%b}}' % (answer[:-1], orjson.dumps(spending.described(len(answer))))


def _refusal(error: AppError, media_type: str) -> Answer:
    answer = _answer(error_body(shown(error)), media_type, error.status)
    if isinstance(error, MethodNotAllowed):
        answer[1].append((b"allow", b"POST"))
    answer[1].extend((name.encode(), value.encode()) for name, value in error.headers.items())
    return answer


async def _answer_of_query(body: bytes, media_type: str, given: AskedHeaders, context: Any, *, cached: bool) -> Answer:
    """What was queried: compressed if the client takes that, and `cached` by it under a tag."""
    vary = b"authorization, cookie, accept, accept-encoding" if cached else b"accept, accept-encoding"
    headers = [(b"cache-control", b"private, no-cache" if cached else b"no-store"), (b"vary", vary)]
    if cached:
        etag = etag_of(body)
        headers.append((b"etag", etag.encode()))
        if given.if_none_match and is_known(etag, given.if_none_match):
            return 304, headers, b""
    compressed = await gzipped(body) if len(body) > MIN_BYTES and accepts_gzip(given.accept_encoding) else None
    if compressed is not None:
        context.spending.client.charge(price_of_gzip(len(body)))
        body = compressed
        headers.append((b"content-encoding", b"gzip"))
    headers += [(b"content-length", b"%d" % len(body)), (b"content-type", _CONTENT_TYPES[media_type])]
    return 200, headers, body


def _answer(body: bytes, media_type: str, status: int) -> Answer:
    headers = [
        (b"cache-control", b"no-store"),
        (b"vary", b"accept"),
        (b"content-length", b"%d" % len(body)),
        (b"content-type", _CONTENT_TYPES[media_type]),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="runwatch"'))
    return status, headers, body
