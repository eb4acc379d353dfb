"""Documents that clients send again: parsed and validated once, within bounds of number and of bytes.

Parsing and validating took 2.3 of the 5.5 ms of a page of 50 executions.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType, get_operation_ast
from graphql.language import ast
from graphql.language.visitor import EnterLeaveVisitor
from graphql.validation import ASTValidationRule, OverlappingFieldsCanBeMergedRule, specified_rules
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from app.errors import AppError
from app.graphql.beside import Beside
from app.graphql.document import check_operation, introspections, parse_bounded
from app.graphql.merging import FieldsCanBeMerged

T = TypeVar("T")

# A parsed document takes some 80 bytes for each character of its text. GraphiQL's introspection has 2,000 characters,
# the largest of the page 1,700.
MAX_DOCUMENTS = 512
MAX_CHARACTERS = 16 * 1024
MAX_ALL_CHARACTERS = 512 * 1024
# Validating takes some 5 µs a character: longer ones, in a thread of their own, hold up nobody.
MAX_CHARACTERS_IN_LOOP = 1_000


@dataclass(slots=True, weakref_slot=True, eq=False)
class Prepared:
    """A text with the name of the operation to run: its document, or why it is refused.

    `kept` has what others derive from it, and goes with it.
    """

    document: DocumentNode | None = None
    operation: OperationDefinitionNode | None = None
    refusal: Exception | None = None  # of the parser, of our bounds, of a validation too deep
    invalid: list[GraphQLError] = field(default_factory=list)
    introspects: bool = False
    kept: dict[str, Any] = field(default_factory=dict)
    characters: int = 0

    @property
    def name(self) -> str | None:
        """What the document calls the operation."""
        return None if self.operation is None or self.operation.name is None else self.operation.name.value

    @property
    def type(self) -> OperationType | None:
        """Of the operation; None: it will not be executed, its errors say why."""
        return None if self.operation is None else self.operation.operation

    def parsed(self) -> DocumentNode:
        """The document; raises the refusal."""
        if self.document is None:
            assert self.refusal is not None
            # Raised again and again, it would collect the frames of all who raised it.
            raise self.refusal.with_traceback(None)
        return self.document


class _Preparing:
    """A text that is being prepared, or waits for that: as long as somebody wants it."""

    __slots__ = ("asked_by", "future", "waiting", "work")

    def __init__(self, work: Callable[[], Prepared]) -> None:
        self.future: Future[Prepared] = Future()
        self.work = work
        self.asked_by = set[str]()
        self.waiting = 0


class Documents:
    """The documents of one schema by text and operation. The least recently used go first."""

    def __init__(self, validate: Callable[[DocumentNode], list[GraphQLError]]) -> None:
        self._validate = validate
        self._known: OrderedDict[tuple[str, str | None], Prepared] = OrderedDict()
        self._by_operation: dict[int, Prepared] = {}
        # All that somebody has, also those that are too long to be known: 5,000 tokens take some 5 MB.
        self._held: WeakValueDictionary[tuple[str, str | None], Prepared] = WeakValueDictionary()
        self._preparing: dict[tuple[str, str | None], _Preparing] = {}
        self._thread = Beside("documents")
        self.characters = 0

    def __len__(self) -> int:
        return len(self._known)

    def find(self, query: str, name: str | None) -> Prepared:
        """The document of a text, and what validation says of it."""
        key = (query, name)
        prepared = self._known.get(key)
        if prepared is not None:
            self._known.move_to_end(key)
            return prepared
        return self._held.get(key) or self._keep(key, self._prepare(query, name))

    def is_known(self, query: str, name: str | None) -> bool:
        """Whether `find` has it at once."""
        key = (query, name)
        return key in self._known or key in self._held

    def is_at_hand(self, query: str, name: str | None) -> bool:
        """Whether `find` may be asked: it has it at once, or soon."""
        return len(query) <= MAX_CHARACTERS_IN_LOOP or self.is_known(query, name)

    async def prepare(self, query: str, name: str | None, credential: str) -> Prepared:
        """What `find` has at once for as long as the caller keeps this.

        A long text is parsed and validated beside the loop, in turn with those of other credentials.
        """
        key = (query, name)
        if self.is_at_hand(query, name):
            return self.find(query, name)
        preparing = self._preparing.get(key)
        if preparing is None:
            preparing = self._preparing[key] = _Preparing(lambda: self._prepare(query, name))
        if credential not in preparing.asked_by:
            preparing.asked_by.add(credential)
            self._thread.join(credential, preparing.future, preparing.work)
        preparing.waiting += 1
        try:
            # Shielded: one who hangs up must not take it from the others.
            prepared = await asyncio.shield(asyncio.wrap_future(preparing.future))
        finally:
            preparing.waiting -= 1
            if not preparing.waiting:
                preparing.future.cancel()
                self._preparing.pop(key, None)
        return self._held.get(key) or self._keep(key, prepared)

    async def beside(self, query: str, credential: str, work: Callable[[], T]) -> T:
        """Work for a text that is there: for a long one it is done beside the loop too."""
        if len(query) <= MAX_CHARACTERS_IN_LOOP:
            return work()
        return await asyncio.wrap_future(self._thread.submit(credential, work))

    def _keep(self, key: tuple[str, str | None], prepared: Prepared) -> Prepared:
        query, name = key
        # What errors quote counts too: each of a hundred may quote the whole document.
        quoted = sum(len(error.message) for error in prepared.invalid) + len(str(prepared.refusal or ""))
        prepared.characters = len(query) + len(name or "") + quoted
        self._held[key] = prepared
        if prepared.characters <= MAX_CHARACTERS:
            self._known[key] = prepared
            self._by_operation[id(prepared.operation)] = prepared
            self.characters += prepared.characters
            while len(self._known) > MAX_DOCUMENTS or self.characters > MAX_ALL_CHARACTERS:
                self._drop(self._known.popitem(last=False)[1])
        return prepared

    def of_operation(self, operation: OperationDefinitionNode) -> Prepared | None:
        """What is kept of an operation that is being executed; None if it is not, or no longer."""
        prepared = self._by_operation.get(id(operation))
        return prepared if prepared is not None and prepared.operation is operation else None

    def _drop(self, prepared: Prepared) -> None:
        self.characters -= prepared.characters
        self._by_operation.pop(id(prepared.operation), None)

    def _prepare(self, query: str, name: str | None) -> Prepared:
        try:
            document = parse_bounded(query)
            check_operation(document, name)
            looks = introspections(document)
            errors = [_bare(error) for error in self._validate(document)]
            _unlink(document)
            return Prepared(document, get_operation_ast(document, name), invalid=errors, introspects=looks > 0)
        except (GraphQLError, AppError, RecursionError) as error:
            return Prepared(refusal=_bare(error))


def documents_of(schema: GraphQLSchema) -> Documents:
    """The documents of a schema, which cannot change. A process has one schema, and tests some more."""
    documents = _of_schemas.get(schema)
    if documents is None:
        documents = _of_schemas[schema] = Documents(partial(_validated, schema))
    return documents


_of_schemas: dict[GraphQLSchema, Documents] = {}


class OneOperation(SchemaExtension):
    """Takes the place of Strawberry's parsing and validation.

    Refuses documents that are too long, and those that leave open which of their operations to run.
    """

    def on_parse(self) -> Iterator[None]:
        """Sets the document."""
        context = self.execution_context
        self._prepared = documents_of(context.schema._schema).find(
            context.query or "", context._provided_operation_name
        )
        context.graphql_document = self._prepared.parsed()
        yield

    def on_validate(self) -> Iterator[None]:
        """Sets the errors; an empty list says that it is valid."""
        invalid = self._prepared.invalid
        if self._prepared.introspects and not invalid:
            try:
                self.execution_context.context.require_introspection()
            except AppError as error:
                invalid = [GraphQLError(error.message, original_error=error)]
        self.execution_context.pre_execution_errors = invalid
        yield


def _validated(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """What is wrong with a document."""
    made: list[Any] = []

    def remembered(rule: Any) -> Any:
        def make(context: Any) -> Any:
            visitor = rule(context)
            visitor.enter_leave_map = _passed_over(rule).copy()
            made.extend((context, visitor))
            return visitor

        return make

    try:
        return validate_document(schema, document, tuple(map(remembered, _RULES)))
    finally:
        # graphql-core leaves them in circles, with the document: 300 of 12 KB were 500 MB until a full collection.
        for each in made:
            vars(each).clear()


@cache
def _passed_over(rule: type[ASTValidationRule]) -> dict[str, EnterLeaveVisitor]:
    """The kinds of nodes that a rule does not look at.

    For each of a document's kinds, each rule would look for four methods by their names: 40 % of a validation.
    """
    nothing = EnterLeaveVisitor(None, None)
    methods = {*dir(rule)}
    return {kind: nothing for kind in _KINDS if not {"enter", "leave", f"enter_{kind}", f"leave_{kind}"} & methods}


_KINDS = {each.kind for each in vars(ast).values() if isinstance(each, type) and issubclass(each, ast.Node)}
_OTHER: dict[Any, Any] = {OverlappingFieldsCanBeMergedRule: FieldsCanBeMerged}
_RULES = [_OTHER.get(each, each) for each in specified_rules]


def _unlink(document: DocumentNode) -> None:
    """Take its tokens apart, which only the parser needs: in a circle, a dropped document stays until it is found."""
    token = None if document.loc is None else document.loc.start_token
    while token is not None:
        token.prev, token.next, token = None, None, token.next


def _bare(error: Any) -> Any:
    """Without the frames in which it was raised: they would keep all that was there."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = None
            waiting += [each.__cause__, each.__context__, getattr(each, "original_error", None)]
    return error
