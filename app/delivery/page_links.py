"""Where the pages for people are: for the server, and for the links that it prints and sends."""

from __future__ import annotations

BASE = "/admin/automations"
HISTORY = f"{BASE}/history"
ALERTS = f"{BASE}/alerts"

# Where to reach a server on the same machine that listens on all of its addresses.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def execution_link(address: str, execution_id: str) -> str:
    """The link to an execution's page, by its global id."""
    return f"{address}{BASE}/executions/{execution_id}"


def sign_in_link(address: str, code: str) -> str:
    """The link that signs in by a one-time code: in the fragment, so that it reaches no log and no Referer."""
    return f"{address}{BASE}/sign-in#code={code}"


def local_address(host: str, port: int) -> str:
    """Where a server that listens on a host is, for somebody on the same machine."""
    name = _LOOPBACK.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"
