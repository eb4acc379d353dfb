"""Why graphql-core is to do it."""

from __future__ import annotations


class Unsupported(Exception):
    """The operation has something that no plan is made of; the message names it."""


class NotRight(Exception):
    """A value is not what its type expects. Says nothing: graphql-core says it."""
