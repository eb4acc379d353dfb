"""GraphQL over HTTP: a request becomes one execution, and every failure a coded answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from strawberry import Schema
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from app.asgi.answers import error_body
from app.asgi.body import read_body
from app.asgi.media_types import JSON, answer_type
from app.errors import AppError, BadInput, ErrorCode, MethodNotAllowed, UnsupportedMediaType, masked, shown
from app.graphql.errors import before_execution, shown_all
from app.graphql.messages import Operation
from app.graphql.queries import Queries

# HEAD is GET without a body in the answer. Neither may change anything.
SAFE = ("GET", "HEAD")
# By whether the method is safe.
ALLOWED = {True: [OperationType.QUERY], False: [OperationType.QUERY, OperationType.MUTATION]}


class GraphQLView:
    """Serves one schema at one path. The gate in front of it has signed the viewer in (`request.state.viewer`)."""

    def __init__(self, schema: Schema, make_context: Callable[[Request], Any], max_body_bytes: int) -> None:
        self._schema = schema
        self._queries = Queries(schema)
        self._make_context = make_context
        self._max_body_bytes = max_body_bytes

    async def run(self, request: Request) -> Response:
        """Answer one request."""
        media_type = answer_type(",".join(request.headers.getlist("accept")))
        try:
            operation = await self._operation(request)
            context = self._make_context(request)
            answer = await self._queries.answer(operation, context)
            if answer is not None:
                return _answer(answer, media_type, 200)
            result = await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                operation_name=operation.name,
                context_value=context,
                allowed_operation_types=ALLOWED[request.method in SAFE],
            )
        except AppError as error:
            return _refusal(error, media_type)
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.MUTATION:
                return _refusal(MethodNotAllowed("Send mutations by POST"), media_type)
            return _refusal(
                BadInput("Subscribe over a WebSocket with the subprotocol graphql-transport-ws"), media_type
            )
        except Exception as error:
            return _answer(error_body(masked(error)), media_type, 500)
        assert isinstance(result, ExecutionResult)
        body: dict[str, Any] = {}
        executed = result.data is not None or not before_execution(result.errors)
        if executed:
            body["data"] = result.data
        if result.errors:
            body["errors"] = shown_all(result.errors)
        status = 200 if executed else _status_of_refused(body["errors"], media_type)
        return _answer(orjson.dumps(body), media_type, status)

    async def _operation(self, request: Request) -> Operation:
        if request.method in SAFE:
            given = dict(request.query_params)
            variables = _json(given["variables"].encode(), "variables") if given.get("variables") else None
            return _operation_of({**given, "variables": variables, "extensions": None})
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != JSON:
            raise UnsupportedMediaType(f"Send {JSON}, not {content_type[:80] or 'a body without a content type'}")
        return _operation_of(_json(await read_body(request, self._max_body_bytes), "The body"))


def _operation_of(given: object) -> Operation:
    """The parameters of a request, checked."""
    if isinstance(given, list):
        raise BadInput("Send one operation per request, not a batch")
    if not isinstance(given, dict):
        raise BadInput('The body must be a JSON object with "query"')
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName") or None
    if not isinstance(query, str) or not query.strip():
        raise BadInput('"query" must be a GraphQL document')
    if not isinstance(variables, dict | None):
        raise BadInput('"variables" must be an object')
    if not isinstance(name, str | None):
        raise BadInput('"operationName" must be a string')
    if not isinstance(given.get("extensions"), dict | None):
        raise BadInput('"extensions" must be an object')
    return Operation(query, variables, name)


def _json(data: bytes, what: str) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{what} is not JSON: {error.msg}") from None


def _status_of_refused(errors: list[dict[str, Any]], media_type: str) -> int:
    """The status of a document that was not executed."""
    codes = {error["extensions"]["code"] for error in errors}
    if ErrorCode.INTERNAL in codes:
        return 500
    if ErrorCode.UNAUTHENTICATED in codes:
        return 401
    # Otherwise the client made a mistake; only the older media type calls that a success.
    return 200 if media_type == JSON else 400


def _refusal(error: AppError, media_type: str) -> Response:
    allow = {"allow": "POST"} if isinstance(error, MethodNotAllowed) else None
    return _answer(error_body(shown(error)), media_type, error.status, allow)


def _answer(body: bytes, media_type: str, status: int, more: dict[str, str] | None = None) -> Response:
    headers = {"cache-control": "no-store", "vary": "accept", **(more or {})}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="runwatch"'
    return Response(body, status, headers, media_type=f"{media_type}; charset=utf-8")
