"""Expected failures: coded, safe to show, and saying what to do next. Everything else is masked as INTERNAL."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum
from time import monotonic
from typing import Any

from app.log import get_logger
from app.monitor import numbers

log = get_logger(__name__)

# Between two lines of a database that is away, of this process.
UNAVAILABLE_SECONDS = 60.0
_next_line = 0.0

MASKED = "Internal error; the server's log has the details under the errorId"


class ErrorCode(StrEnum):
    """The values of `extensions.code` in a GraphQL error, and of `code` in the answers of the other doors."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    CONFLICT = "CONFLICT"
    RETRY_REFUSED = "RETRY_REFUSED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    INTERNAL = "INTERNAL"


class AppError(Exception):
    """A failure that its reader can act on. graphql-core copies `extensions` into the answer.

    `status` and `headers` are those of an HTTP answer to a request that fails with it as a whole.
    """

    code = ErrorCode.INTERNAL
    status = 503  # nothing is wrong with the request
    headers: Mapping[str, str] = {}  # of such an answer, beside those that each has
    of_budget = False  # of what one operation may cost

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def extensions(self) -> dict[str, Any]:
        """What a GraphQL error carries beside its message: the code and the details."""
        return {"code": self.code.value, **self.details}


class Unavailable(ConnectionError):
    """The database, or the issuer of JSON Web Tokens, does not answer. The request is fine, and may succeed later."""


class Unauthenticated(AppError):
    """No credentials, or credentials that are not (or no longer) valid."""

    code = ErrorCode.UNAUTHENTICATED
    status = 401


class Forbidden(AppError):
    """Signed in, but the role does not allow it."""

    code = ErrorCode.FORBIDDEN
    status = 403


class NotFound(AppError):
    """A verb was asked of something that does not exist."""

    code = ErrorCode.NOT_FOUND
    status = 404


class BadInput(AppError):
    """The request is malformed, or contradicts itself. Nothing was changed."""

    code = ErrorCode.BAD_USER_INPUT
    status = 400


class UnsupportedMediaType(BadInput):
    """A body in a format that this door does not accept."""

    status = 415


class UnsupportedEncoding(UnsupportedMediaType):
    """A body with a Content-Encoding that nobody here undoes."""

    headers: Mapping[str, str] = {"accept-encoding": "gzip"}


class MethodNotAllowed(BadInput):
    """A method that this door does not take, or not for this operation."""

    status = 405


class Conflict(AppError):
    """The request contradicts what is stored."""

    code = ErrorCode.CONFLICT
    status = 409


class RetryRefused(AppError):
    """An execution cannot be retried. `extensions.reasons` has every reason."""

    code = ErrorCode.RETRY_REFUSED
    status = 409

    def __init__(self, reasons: Sequence[Any]) -> None:
        names = [reason.value for reason in reasons]
        super().__init__(f"This execution cannot be retried: {', '.join(names)}", reasons=names)
        self.reasons = reasons


class PersistedQueryNotFound(AppError):
    """Nobody registered a document with this hash, or it is forgotten: clients send it again, with its text.

    Code, message and status are Apollo's. Its older clients give hashes up after a 400.
    """

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND
    status = 200

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class DocumentNotTrusted(AppError):
    """The server takes trusted documents only, and this is none of them."""

    code = ErrorCode.DOCUMENT_NOT_TRUSTED
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This server takes trusted documents only (RUNWATCH_GRAPHQL_DOCUMENTS=trusted), and this is none of them;"
            " an operator can add it to RUNWATCH_TRUSTED_DOCUMENTS"
        )


class LimitExceeded(AppError):
    """A named bound was exceeded: a size, a time, a number."""

    code = ErrorCode.LIMIT_EXCEEDED
    status = 413


class RateLimited(AppError):
    """Too much within a time, or at a time. Nothing was done, and the same request succeeds later.

    `limit` is the setting and `value` what it says; `seconds` is how long to wait.
    """

    code = ErrorCode.RATE_LIMITED
    status = 429

    def __init__(self, reason: str, *, limit: str, value: int, seconds: float) -> None:
        self.reason, self.limit, self.value, self.seconds = reason, limit, value, max(1, math.ceil(seconds))
        self.headers = {"retry-after": str(self.seconds)}
        super().__init__(f"{reason}; come back in {self.seconds} s", limit=limit, value=value, retryAfter=self.seconds)


class TimedOut(LimitExceeded):
    """A read took longer than reads may."""

    def __init__(self, seconds: float, sql: str, params: Sequence[Any]) -> None:
        super().__init__(f"The query took longer than {seconds:g} s; narrow its filter")
        self.statement = (sql, tuple(params))


def shown(error: BaseException) -> dict[str, Any]:
    """An error as its reader sees it: one of ours with its message, code and details, any other masked."""
    if isinstance(error, AppError) and error.code is not ErrorCode.INTERNAL:
        numbers.ERRORS.add(1, error.code.value)
        if isinstance(error, RateLimited):
            numbers.RATE_REFUSALS.add(1, error.limit)
        elif error.of_budget:
            numbers.BUDGET_REFUSALS.add()
        return {"message": error.message, "extensions": error.extensions}
    return masked(error)


def masked(error: BaseException, message: str = MASKED, event: str = "internal_error") -> dict[str, Any]:
    """An unexpected failure: an id for the reader, the rest for the log."""
    error_id = secrets.token_hex(8)
    numbers.ERRORS.add(1, ErrorCode.INTERNAL.value)
    log_failure(log, event, error, error_id=error_id)
    return {"message": message, "extensions": {"code": ErrorCode.INTERNAL.value, "errorId": error_id}}


def log_failure(logger: Any, event: str, error: BaseException, **facts: Any) -> None:
    """Log what failed unexpectedly, with its stack; but a database that is away in one line a minute, whoever asks."""
    global _next_line
    if not isinstance(error, Unavailable):
        logger.error(event, exc_info=error, **facts)
    elif (now := monotonic()) >= _next_line:
        _next_line = now + UNAVAILABLE_SECONDS
        logger.error(event, reason=str(error), **facts)
