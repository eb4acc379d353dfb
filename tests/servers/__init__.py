"""Real servers for tests, specs and benchmarks: nothing to install, nothing left behind, nothing of app/ imported."""

from tests.servers.ports import free_port
from tests.servers.postgres import PostgresServer
from tests.servers.process import ServerError
from tests.servers.valkey import ValkeyServer

__all__ = ["PostgresServer", "ServerError", "ValkeyServer", "free_port"]
