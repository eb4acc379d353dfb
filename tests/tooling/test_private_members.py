"""What we use of libraries that is theirs alone: each member by name, and an upper bound on the library's version.

A member that a new version takes away would show as some failure far from its cause. Here it has a name.
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import inspect
import re
import textwrap
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import uvicorn
from asyncpg.pool import PoolConnectionProxy
from celery.backends.base import Backend
from celery.worker.request import Request
from graphql import parse
from kombu.transport.filesystem import Channel
from packaging.requirements import Requirement
from redis.asyncio import Connection
from starlette.applications import Starlette
from strawberry import Info
from strawberry.types import ExecutionContext
from throttled import MemoryStore
from tortoise import Tortoise
from tortoise.migrations.operations import RunSQL
from uvicorn.server import ServerState

from app.db.models import Engine
from app.graphql.executor import EventByEvent
from app.server.http_protocol import HttpProtocol
from app.server.parted_protocol import PartedProtocol
from app.server.serving import _Server
from app.server.websocket_protocol import WebSocketProtocol
from schema import schema

ROOT = Path(__file__).parents[2]
PRODUCT = ("app", "client/src", "devtools", "examples", "resolvers", "runwatch", "schema")
REST = ("benchmarks", "conftest.py", "specs", "tests")
# They begin with an underscore and are documented: of named tuples, of os, of pydantic-settings, of enums, of Redis's
# client, and of asyncio, for those who make tasks of their own.
DOCUMENTED = {"_enter_task", "_env_file", "_exit", "_fields", "_leave_task", "_name_", "_replace", "_type"}


def context_of_strawberry() -> ExecutionContext:
    nothing: dict[str, Any] = dict.fromkeys(("query", "context", "variables", "root_value"))
    return ExecutionContext(**nothing, schema=schema, allowed_operations=(), provided_operation_name="x")


# Each with its distribution and with something that has it as an attribute, or as a key.
UNDERSCORED: dict[str, tuple[str, Callable[[], Any]]] = {
    "_asyncio_future_blocking": ("python", lambda: asyncio.Future),
    "_basetemp": ("pytest", lambda: pytest.TempPathFactory.__dataclass_fields__),
    "_backend": ("throttled-py", lambda: MemoryStore()),
    "_call_task_errbacks": ("celery", lambda: Backend),
    "_con": ("asyncpg", lambda: PoolConnectionProxy),
    "_context": ("celery", lambda: Request),
    "_enable_global_fallback": ("tortoise-orm", lambda: inspect.signature(Tortoise.init).parameters),
    "_ensure_unconfigure": ("pytest", lambda: pytest.Config),
    "_exception_handler_specs": ("strawberry-graphql", lambda: schema.schema_converter),
    "_field": ("strawberry-graphql", lambda: Info.__dataclass_fields__),
    "_fixtureinfo": ("pytest", lambda: dict.fromkeys(pytest.Function.__init__.__code__.co_names)),
    "_meta": ("tortoise-orm", lambda: Engine),
    "_payload": ("celery", lambda: Request),
    "_protocol": ("asyncpg", lambda: asyncpg.Connection),
    "_provided_operation_name": ("strawberry-graphql", context_of_strawberry),
    "_put": ("celery", lambda: Channel),
    "_raw_info": ("strawberry-graphql", lambda: Info.__dataclass_fields__),
    "_relevant_sub_fields": ("graphql-core", lambda: EventByEvent.build(schema._schema, parse("{ __typename }"))),
    "_run_exitfuncs": ("python", lambda: atexit),
    "_run_sql": ("tortoise-orm", lambda: RunSQL),
    "_schema": ("strawberry-graphql", lambda: schema),
    "_set_running_loop": ("python", lambda: asyncio),
    "_shutdown": ("python", lambda: threading),
    "_stmt_cache": ("asyncpg", lambda: asyncpg.Connection),
    "_strawberry_schema": ("strawberry-graphql", lambda: schema._schema),
    "_tmp_path_factory": (
        "pytest",
        lambda: dict.fromkeys(import_module("_pytest.tmpdir").pytest_configure.__code__.co_consts),
    ),
    "_tw": ("pytest", lambda: dict.fromkeys(pytest.TerminalReporter.__init__.__code__.co_names)),
    "_waiters": ("python", asyncio.Event),
    "_writer": ("redis", Connection),
}

# uvicorn documents none of these; its protocols are made to be used, not to be derived from.
OF_UVICORN: dict[type[Any], set[str]] = {
    HttpProtocol: {
        *(
            "client",
            "cycle",
            "handle_websocket_upgrade",
            "loop",
            "on_body",
            "on_header",
            "on_headers_complete",
            "on_message_begin",
        ),
        *("on_message_complete", "on_response_complete", "on_url", "pipeline", "send_400_response", "transport"),
        *("expect_100_continue", "headers", "parser", "scope", "timeout_keep_alive", "timeout_keep_alive_handler"),
        *("timeout_keep_alive_task", "url"),
    },
    PartedProtocol: {
        *(
            "flow",
            "handle_websocket_upgrade",
            "loop",
            "on_body",
            "on_message_begin",
            "on_response_complete",
            "pipeline",
        ),
        "transport",
    },
    WebSocketProtocol: {
        *("close_sent", "close_timer", "conn", "curr_msg_data_type", "disconnected", "frames", "handle_close"),
        *("handle_cont", "handle_ping", "handle_pong", "handshake_initiated", "receive"),
        *("handle_parser_exception", "handshake_complete", "initial_response", "keepalive_timeout", "loop", "queue"),
        *("read_paused", "run_asgi", "scope", "send", "send_receive_event_to_app", "shutdown", "transport"),
    },
    _Server: {"shutdown", "startup"},
}


@pytest.mark.parametrize("name", UNDERSCORED)
async def test_the_library_has_the_member(name: str) -> None:
    _, has_it = UNDERSCORED[name]
    owner = has_it()
    assert name in owner if isinstance(owner, Mapping) else hasattr(owner, name)


@pytest.mark.parametrize("ours", OF_UVICORN, ids=lambda ours: ours.__name__)
async def test_what_we_use_or_replace_of_uvicorn_is_there_and_is_named(ours: type[Any]) -> None:
    config = uvicorn.Config(Starlette(), log_config=None)
    theirs = next(each for each in ours.__mro__ if each.__module__.startswith("uvicorn."))
    made = theirs(config) if theirs is uvicorn.Server else theirs(config, ServerState(), {})
    source = inspect.getsource(theirs)
    # The scope comes with the first request.
    found = {
        name for name in names_in(ours) if hasattr(made, name) or re.search(rf"\bself\.{name}\b[^=\n]* = ", source)
    }
    assert found - {*dir(asyncio.Protocol)} == OF_UVICORN[ours]


@pytest.mark.slow
def test_no_other_member_is_used() -> None:
    found = set(foreign(PRODUCT, everywhere=False)) | set(foreign(REST, everywhere=True))
    assert {name for name, _ in found} - DOCUMENTED <= UNDERSCORED.keys(), sorted(found)


def test_every_member_is_used() -> None:
    text = "".join(path.read_text() for path in files((*PRODUCT, *REST)) if path != Path(__file__))
    assert [name for name in UNDERSCORED if name not in text] == []


@pytest.mark.parametrize("name", sorted({"uvicorn", *(name for name, _ in UNDERSCORED.values())} - {"python"}))
def test_the_library_has_an_upper_bound(name: str) -> None:
    bounds = [each for each in requirements(ROOT / "pyproject.toml") if each.name == name]
    bounds += [each for each in requirements(ROOT / "client" / "pyproject.toml") if each.name == name]
    bounded = [each for each in bounds if any(part.operator == "<" for part in each.specifier)]
    assert bounded
    for each in bounded:
        assert each.specifier.contains(metadata.version(name)), each


def requirements(project: Path) -> list[Requirement]:
    whole = tomllib.loads(project.read_text())
    table, groups = whole["project"], whole.get("dependency-groups", {}).values()
    extras = table.get("optional-dependencies", {}).values()
    return [Requirement(each) for group in (table["dependencies"], *extras, *groups) for each in group]


def files(roots: tuple[str, ...]) -> Iterator[Path]:
    for root in roots:
        path = ROOT / root
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def foreign(roots: tuple[str, ...], *, everywhere: bool) -> Iterator[tuple[str, str]]:
    """Private names that are asked for and not made in the same file or, if `everywhere`, in any file of ours."""
    ours = set[str]().union(*(members_in(path)[0] for path in files((*PRODUCT, *REST)))) if everywhere else set[str]()
    for path in files(roots):
        made, asked = members_in(path)
        for name, line in asked:
            if name not in (ours if everywhere else made):
                yield name, f"{path.relative_to(ROOT)}:{line}"


@cache
def members_in(path: Path) -> tuple[set[str], list[tuple[str, int]]]:
    """The private names that a file defines, in whatever scope, and those that it asks for, with their lines."""
    made, asked = set[str](), list[tuple[str, int]]()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(attr=name):
                if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
                    made |= {name} if node.value.id in ("self", "cls") else set()
                asked.append((name, node.lineno))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                made.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                made.add(name)
            case ast.keyword(arg=str(name)):
                asked.append((name, node.lineno))
            case ast.ImportFrom(module=module):
                names = [*(module or "").split("."), *(alias.name for alias in node.names)]
                asked += [(name, node.lineno) for name in names]
    return made, [(name, line) for name, line in asked if name.startswith("_") and not name.startswith("__")]


def names_in(ours: type[Any]) -> set[str]:
    """The members that a class defines, and those that it uses of itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(ours)))
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    return asked | {name for name in vars(ours) if not name.startswith("__")}
