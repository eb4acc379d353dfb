"""What a request over HTTP asks for: its headers, and the parameters of its operation."""

from __future__ import annotations

import orjson
from starlette.types import Scope

from app.errors import BadInput
from app.graphql.messages import Operation, by_hash

# With the value 1, answers say what they cost.
COST_HEADER = b"x-runwatch-cost"


class AskedHeaders:
    """The first of each header, and what is accepted of all."""

    __slots__ = ("accept", "accept_encoding", "content_type", "cost", "encodings", "if_none_match", "length")

    def __init__(self, scope: Scope) -> None:
        self.content_type = self.length = self.if_none_match = ""
        self.cost = False
        self.encodings: list[str] = []
        accepted, codings = [], []
        for name, value in reversed(scope["headers"]):
            if name == b"content-type":
                self.content_type = value.decode("latin-1")
            elif name == b"content-length":
                self.length = value.decode("latin-1")
            elif name == b"content-encoding":
                self.encodings.append(value.decode("latin-1"))
            elif name == COST_HEADER:
                self.cost = value == b"1"
            elif name == b"accept":
                accepted.append(value.decode("latin-1"))
            elif name == b"accept-encoding":
                codings.append(value.decode("latin-1"))
            elif name == b"if-none-match":
                self.if_none_match = value.decode("latin-1")
        self.accept = ",".join(reversed(accepted))
        self.accept_encoding = ",".join(codings)


def operation_of(given: object) -> Operation:
    """The parameters of a request, checked."""
    if isinstance(given, list):
        raise BadInput("Send one operation per request, not a batch")
    if not isinstance(given, dict):
        raise BadInput('The body must be a JSON object with "query"')
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    extensions = given.get("extensions")
    if not isinstance(extensions, dict | None):
        raise BadInput('"extensions" must be an object')
    if query is None and by_hash(extensions):
        query = ""
    elif not isinstance(query, str) or not query.strip():
        raise BadInput('"query" must be a GraphQL document')
    if not isinstance(variables, dict | None):
        raise BadInput('"variables" must be an object')
    if not isinstance(name, str | None):
        raise BadInput('"operationName" must be a string')
    return Operation(query, variables, name or None, extensions)


def from_json(data: bytes, what: str) -> object:
    """The value of a text of JSON; BadInput that says what is none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{what} is not JSON: {error.msg}") from None
