"""The media type of an answer of /graphql: the one that the client prefers."""

from __future__ import annotations

from functools import lru_cache

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"


# Longer than any that is sent again and again.
MAX_KEPT = 200


def answer_type(accept: str) -> str:
    """GraphQL's own media type for clients that name it (only GraphQL clients do), unless they prefer JSON."""
    return _kept(accept) if len(accept) <= MAX_KEPT else _answer_type(accept)


def _answer_type(accept: str) -> str:
    weights: dict[str, float] = {}
    for choice in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in choice.split(";"))
        weights[media_type] = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
    wanted = weights.get(GRAPHQL_JSON, 0.0)
    return GRAPHQL_JSON if wanted > 0 and wanted >= weights.get(JSON, 0.0) else JSON


_kept = lru_cache(256)(_answer_type)


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
