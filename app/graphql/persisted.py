"""Documents that clients send by their SHA-256 alone: trusted ones, and those that clients registered before.

The protocol is that of Apollo's clients (automatic persisted queries): `extensions.persistedQuery`, the hash alone at
first, then once with the text, if the server does not know it. docs/graphql.md, "Documents by hash".
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from graphql import GraphQLSchema

from app.errors import BadInput, DocumentNotTrusted, PersistedQueryNotFound
from app.graphql.bounds import credential_of
from app.graphql.documents import MAX_CHARACTERS, documents_of
from app.graphql.messages import PERSISTED as KEY
from app.graphql.messages import Operation
from app.graphql.operations import Operations, Pushed, Result

VERSION = 1
# A client has some tens of documents, of 1 KB each.
MAX_DOCUMENTS_OF_ONE = 500
MAX_BYTES_OF_ONE = 1024 * 1024
MAX_DOCUMENTS = 5_000
MAX_ALL_BYTES = 8 * 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")


def hash_of(text: str) -> str:
    """The SHA-256 of a text as clients write it."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def _size_of(text: str) -> int:
    """How much memory a text takes at most."""
    return len(text) * (1 if text.isascii() else 4)


class Held:
    """Texts by hash, each held by the credentials that used it, within bounds for each and for all.

    A credential that registers more loses its own first, and in a full house whoever holds the most does. So nobody can
    make others lose what they use: a text goes with the last who holds it.
    """

    def __init__(self) -> None:
        self._of: OrderedDict[str, OrderedDict[str, str]] = OrderedDict()  # by credential; what was used last is last
        self._bytes: dict[str, int] = {}
        self._texts: dict[str, tuple[str, int]] = {}  # and how many hold it
        self.documents = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._texts)

    def find(self, hash_: str) -> str | None:
        """The text with this hash, whoever registered it."""
        found = self._texts.get(hash_)
        return None if found is None else found[0]

    def hold(self, hash_: str, text: str, credential: str) -> None:
        """Have a credential hold a text, which it has just used."""
        own = self._of.setdefault(credential, OrderedDict())
        self._of.move_to_end(credential)
        if hash_ in own:
            own.move_to_end(hash_)
            return
        text, holders = self._texts.get(hash_, (text, 0))
        own[hash_] = text
        self._texts[hash_] = (text, holders + 1)
        self._count(credential, 1, _size_of(text))
        while len(own) > MAX_DOCUMENTS_OF_ONE or self._bytes[credential] > MAX_BYTES_OF_ONE:
            self._drop(credential)
        while self.documents > MAX_DOCUMENTS or self.bytes > MAX_ALL_BYTES:
            self._drop(max(self._of, key=self._bytes.__getitem__))

    def _drop(self, credential: str) -> None:
        own = self._of[credential]
        hash_, text = own.popitem(last=False)
        holders = self._texts[hash_][1] - 1
        if holders:
            self._texts[hash_] = (text, holders)
        else:
            del self._texts[hash_]
        self._count(credential, -1, -_size_of(text))
        if not own:
            del self._of[credential], self._bytes[credential]

    def _count(self, credential: str, documents: int, bytes_: int) -> None:
        self.documents += documents
        self.bytes += bytes_
        self._bytes[credential] = self._bytes.get(credential, 0) + bytes_


class Persisted:
    """Finds the texts of operations that are sent by hash. With `only_trusted`, no other text than `trusted` passes.

    `trusted` returns texts by hash, and is asked for each operation: the page may be built after the start.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        trusted: Callable[[], Mapping[str, str]] = dict,
        *,
        only_trusted: bool = False,
    ) -> None:
        self._documents = documents_of(schema)
        self._trusted = trusted
        self._only_trusted = only_trusted
        self.held = Held()

    def resolve(self, operation: Operation) -> Operation:
        """The operation with its text.

        Raises PersistedQueryNotFound, DocumentNotTrusted, or BadInput for a hash that is none, or not that of the text.
        """
        wanted = None if operation.extensions is None else _wanted(operation.extensions)
        if wanted is None and not self._only_trusted:
            return operation
        if wanted is not None and not operation.query:
            text = self._trusted().get(wanted)
            if text is None and not self._only_trusted:
                text = self.held.find(wanted)
            if text is None:
                raise PersistedQueryNotFound
            return replace(operation, query=text)
        found = hash_of(operation.query)
        if wanted not in (None, found):
            raise BadInput(f"extensions.{KEY}.sha256Hash: not the SHA-256 of the query")
        if self._only_trusted and found not in self._trusted():
            raise DocumentNotTrusted
        return operation

    async def register(self, operation: Operation, context: Any) -> None:
        """Have the client hold the text whose hash it sent, if it is valid and short enough to be kept parsed, too."""
        wanted = None if operation.extensions is None else _wanted(operation.extensions)
        if wanted is None or self._only_trusted or len(operation.query) > MAX_CHARACTERS:
            return
        if wanted in self._trusted() or not context.may_register_documents:
            return
        prepared = await self._documents.prepare(operation.query, operation.name, credential_of(context))
        if prepared.document is not None and not prepared.invalid:
            self.held.hold(wanted, operation.query, context.viewer.credential)


class PersistedOperations:
    """Operations of a WebSocket whose documents clients may register; `executed` by others."""

    def __init__(self, persisted: Persisted, executed: Operations[Any]) -> None:
        self._persisted = persisted
        self._executed = executed

    async def start(self, context: Any, operation: Operation) -> AsyncIterator[Result] | Pushed:
        """The results of an operation, which has its text."""
        results = await self._executed.start(context, operation)
        await self._persisted.register(operation, context)
        return results


def _wanted(extensions: Mapping[str, Any]) -> str | None:
    given = extensions.get(KEY)
    if given is None:
        return None
    if not isinstance(given, dict):
        raise BadInput(f"extensions.{KEY} must be an object")
    version, hash_ = given.get("version"), given.get("sha256Hash")
    if version != VERSION or isinstance(version, bool):
        raise BadInput(f"extensions.{KEY}.version must be {VERSION}")
    if not isinstance(hash_, str) or not _HASH.fullmatch(hash_):
        raise BadInput(f"extensions.{KEY}.sha256Hash must be a SHA-256 of 64 hexadecimal digits, in lower case")
    return hash_
