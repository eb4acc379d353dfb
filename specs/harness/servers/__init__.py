"""Real servers for tests, specs and benchmarks: nothing to install, nothing left behind."""

from specs.harness.servers.ports import free_port
from specs.harness.servers.postgres import PostgresServer
from specs.harness.servers.process import ServerError
from specs.harness.servers.valkey import ValkeyServer

__all__ = ["PostgresServer", "ServerError", "ValkeyServer", "free_port"]
