"""Ports nobody listens on."""

import socket


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago: whoever binds it must be ready to ask again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
