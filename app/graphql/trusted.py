"""Reads the documents that an operator trusts: manifests of Apollo and of GraphQL Code Generator, files of GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from app.errors import BadInput
from app.graphql.persisted import hash_of

SUFFIXES = (".graphql", ".gql", ".json")
FORMAT = "apollo-persisted-query-manifest"


def listed_by_operator(path: Path | None) -> dict[str, str]:
    """What RUNWATCH_TRUSTED_DOCUMENTS lists, by its SHA-256. BadInput names the file that has none."""
    try:
        return {} if path is None else read_trusted(path)
    except BadInput as error:
        raise BadInput(f"RUNWATCH_TRUSTED_DOCUMENTS: {error.message}") from None


def read_trusted(path: Path) -> dict[str, str]:
    """The texts by their SHA-256: of one file, or of all in a folder. BadInput names the file that has none."""
    try:
        if path.is_dir():
            files = [each for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file()]
        else:
            files = [path]
        return {hash_of(text): text for file in files for text in _texts(file)}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}") from None


def of_manifest(content: bytes | str) -> dict[str, str]:
    """The texts of a manifest by their SHA-256. BadInput if it is none, or has ids that are not the SHA-256."""
    try:
        given = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"not JSON: {error.msg}") from None
    found: dict[str, str] = {}
    for id_, text in _entries(given):
        if not isinstance(text, str):
            raise BadInput(f"{str(id_)[:80]!r}: its document must be a text")
        if id_ != (hash_ := hash_of(text)):
            raise BadInput(f"{str(id_)[:80]!r}: not the SHA-256 of its document, in hexadecimal digits")
        found[hash_] = text
    return found


def _entries(given: object) -> Iterator[tuple[object, object]]:
    if isinstance(given, dict) and given.get("format") == FORMAT:
        operations = given.get("operations")
        if given.get("version") != 1 or not isinstance(operations, list):
            raise BadInput(f"an {FORMAT} must have version 1 and a list of operations")
        for each in operations:
            if not isinstance(each, dict):
                raise BadInput("each of the operations must be an object")
            yield each.get("id"), each.get("body")
    elif isinstance(given, dict):
        yield from given.items()
    else:
        raise BadInput("must be an object")


def _texts(file: Path) -> Iterator[str]:
    if file.suffix == ".json":
        try:
            yield from of_manifest(file.read_bytes()).values()
        except BadInput as error:
            raise BadInput(f"{file}: {error.message}") from None
    else:
        text = file.read_text(encoding="utf-8")
        yield text
        yield text.strip()  # editors end a file by a line break, which clients do not send
