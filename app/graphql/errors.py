"""Errors of an execution as the answer shows them: expected ones with their code, everything else masked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError, IntValueNode
from graphql.language.parser import MAX_NESTING_DEPTH

from app.errors import BadInput, shown

# graphql-core quotes what it does not like: for each of 100 unknown fields of an input object all of that object. A
# body of 0.8 MB was answered with 80 MB.
MAX_MESSAGE_CHARACTERS = 1_000


# How many errors graphql-core lists.
MAX_ERRORS_OF_DOCUMENT = 100
MAX_ERRORS_OF_VARIABLES = 50
_TOO_DEEP = (
    f"The document is nested too deeply: its selections, with the fragments written out, its values and its types may"
    f" have {MAX_NESTING_DEPTH} levels at most"
)
# What graphql-core says when it gives up, which names no bound.
_ABORTED = {
    "Validation aborted.": _TOO_DEEP,
    "Syntax Error: Document is nested too deeply. Parsing aborted.": _TOO_DEEP,
    "Too many validation errors, error limit reached. Validation aborted.": (
        f"The document has more than {MAX_ERRORS_OF_DOCUMENT} errors, and is validated no further: mend these first"
    ),
    "Too many errors processing variables, error limit reached. Execution aborted.": (
        f"The variables have more than {MAX_ERRORS_OF_VARIABLES} errors, and are read no further: mend these first"
    ),
}
# An object or a list that does not fit is quoted whole, with the secrets that are beside the field that is wrong.
_QUOTED = re.compile(r"(?:,? [Ff]ound)?: [{\[].*", re.DOTALL)
_SUGGESTION = re.compile(r" Did you mean [^?]*\?")


def shown_all(errors: Iterable[GraphQLError], context: Any = None) -> list[dict[str, Any]]:
    """The `errors` of a response. They suggest names of the schema only where clients may ask for it."""
    found = [{**error.formatted, **shown(_cause(error))} for error in errors]
    bounds = getattr(context, "bounds", None)
    if bounds is not None and not bounds.introspection:
        for each in found:
            each["message"] = _SUGGESTION.sub("", each["message"])
    return found


def before_execution(errors: Iterable[GraphQLError] | None) -> bool:
    """Whether the errors concern the document or its variables. Errors of an execution say where in the data."""
    return bool(errors) and all(error.path is None for error in errors or ())


def _cause(error: GraphQLError) -> BaseException:
    """What there is to say of an error, besides where it happened."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, RecursionError) and error.path is None:
        # Fragments can nest deeper than the parser lets a document.
        return BadInput(_TOO_DEEP)
    if isinstance(cause, ValueError) and error.nodes and isinstance(error.nodes[0], IntValueNode):
        # Python makes no number of more than 4,300 digits.
        return BadInput("A number has too many digits")
    if cause is None or isinstance(cause, GraphQLError):
        # graphql-core's own: syntax, validation, a variable or argument of the wrong type.
        return BadInput(_ABORTED.get(error.message) or _cut(error.message))
    return cause


def _cut(message: str) -> str:
    message = _QUOTED.sub("", message)
    return message if len(message) <= MAX_MESSAGE_CHARACTERS else message[:MAX_MESSAGE_CHARACTERS] + " …"
