"""GraphQL over HTTP: a request becomes one execution, whatever happens becomes a coded answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import structlog
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.requests import Request
from starlette.responses import Response
from strawberry import Schema
from strawberry.types.execution import ExecutionResult

from app.errors import AppError, BadInput, ErrorCode
from app.graphql.errors import masked, shown
from app.http.body import read_body

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"

log = structlog.get_logger(__name__)


class GraphQLView:
    """Serves one schema at one path. The gate in front of it has signed the viewer in (`request.state.viewer`)."""

    def __init__(self, schema: Schema, make_context: Callable[[Request], Any], max_body_bytes: int) -> None:
        self._schema = schema
        self._make_context = make_context
        self._max_body_bytes = max_body_bytes

    async def run(self, request: Request) -> Response:
        """Answer one request."""
        media_type = GRAPHQL_JSON if GRAPHQL_JSON in request.headers.get("accept", "") else JSON
        try:
            operation = await self._operation(request)
            result = await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                operation_name=operation.name,
                context_value=self._make_context(request),
            )
        except AppError as error:
            return _refusal(error, media_type)
        except Exception as error:
            return _answer({"errors": [masked(error)]}, media_type, 500)
        if not isinstance(result, ExecutionResult):
            return _refusal(BadInput("Subscriptions are not served over plain HTTP"), media_type)
        body: dict[str, Any] = {}
        executed = result.data is not None or not _before_execution(result.errors)
        if executed:
            body["data"] = result.data
        if result.errors:
            body["errors"] = shown(result.errors)
        # A document that could not be executed is the client's mistake; only the older media type calls it a success.
        return _answer(body, media_type, 200 if executed or media_type == JSON else 400)

    async def _operation(self, request: Request) -> _Operation:
        if request.method == "GET":
            given = dict(request.query_params)
            operation = _Operation(
                {
                    **given,
                    "variables": _json(given["variables"].encode(), "variables") if given.get("variables") else None,
                    "extensions": None,
                }
            )
            if _is_mutation(operation):
                raise BadInput("A mutation takes POST")
            return operation
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != JSON:
            raise UnsupportedMediaType(f"Send {JSON}, not {content_type[:80] or 'a body without a content type'}")
        return _Operation(_json(await read_body(request, self._max_body_bytes), "The body"))


class UnsupportedMediaType(BadInput):
    """A body in a format that this door does not take."""


class _Operation:
    """The parameters of a request, checked."""

    def __init__(self, given: object) -> None:
        if isinstance(given, list):
            raise BadInput("Batches are not taken: send one operation a request")
        if not isinstance(given, dict):
            raise BadInput('The body must be a JSON object with "query"')
        self.query = given.get("query")
        self.variables = given.get("variables")
        self.name = given.get("operationName") or None
        if not isinstance(self.query, str) or not self.query.strip():
            raise BadInput('"query" must be a GraphQL document')
        if not isinstance(self.variables, dict | None):
            raise BadInput('"variables" must be an object')
        if not isinstance(self.name, str | None):
            raise BadInput('"operationName" must be a string')
        if not isinstance(given.get("extensions"), dict | None):
            raise BadInput('"extensions" must be an object')


def _json(data: bytes, what: str) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{what} is not JSON: {error.msg}") from None


def _is_mutation(operation: _Operation) -> bool:
    """Whether a GET asks for a change; a document that does not parse is left to the execution to refuse."""
    try:
        document = parse(operation.query or "")
    except (GraphQLError, RecursionError):
        return False
    return any(
        isinstance(node, OperationDefinitionNode)
        and node.operation is OperationType.MUTATION
        and (operation.name is None or (node.name is not None and node.name.value == operation.name))
        for node in document.definitions
    )


def _before_execution(errors: list[GraphQLError] | None) -> bool:
    """Whether the errors are of the document or its variables: errors of an execution say where in the data."""
    return bool(errors) and all(error.path is None for error in errors or ())


def _refusal(error: AppError, media_type: str) -> Response:
    if error.code is ErrorCode.INTERNAL:
        return _answer({"errors": [masked(error)]}, media_type, 503)
    status = 415 if isinstance(error, UnsupportedMediaType) else STATUS_OF.get(error.code, 400)
    return _answer({"errors": [{"message": error.message, "extensions": error.extensions}]}, media_type, status)


STATUS_OF = {ErrorCode.UNAUTHENTICATED: 401, ErrorCode.FORBIDDEN: 403, ErrorCode.LIMIT_EXCEEDED: 413}


def _answer(body: dict[str, Any], media_type: str, status: int) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(orjson.dumps(body), status, headers, media_type=f"{media_type}; charset=utf-8")
