"""What the example's automations work on: files that are created here, and a site on 127.0.0.1."""

from __future__ import annotations

import json
import os
import random
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGES = ("home", "about", "prices", "news", "jobs", "help", "terms", "press", "shop", "blog", "team", "contact")
GONE = "/pages/prices"

HEAD = "order,item,quantity,price\n"
ORDERS = [("A-1001", "lamp", "2", "39.90"), ("A-1002", "chair", "4", "120.00"), ("A-1003", "desk", "1", "349.00")]
BROKEN = ("A-1004", "shelf", "twelve", "15.50")
MENDED = ("A-1004", "shelf", "12", "15.50")


def prepare(folder: Path) -> str:
    """Create missing files in the folder; returns the shop's token. OSError if it cannot be written."""
    (folder / "orders").mkdir(parents=True, exist_ok=True)
    (folder / "reports").mkdir(exist_ok=True)
    _make(folder / "orders" / "today.csv", _csv([*ORDERS, BROKEN]))
    _make(folder / "links.txt", "".join(f"/pages/{name}\n" for name in PAGES))
    numbers = random.Random(1)
    for month in ("january", "february", "march"):
        rows = [f"{region},{numbers.randrange(1_000_000)}\n" for region in ("north", "south", "west") * 500]
        _make(folder / "reports" / f"{month}.csv", "region,cents\n" + "".join(rows))
    _make(folder / "shop-token", f"{secrets.token_hex(16)}\n")
    return (folder / "shop-token").read_text().strip()


def mend(folder: Path) -> str:
    """Repair the broken row of the orders; returns what was done."""
    path = folder / "orders" / "today.csv"
    text = path.read_text()
    broken, mended = (",".join(row) for row in (BROKEN, MENDED))
    if broken not in text:
        return f"{path} has no broken row"
    draft = path.with_suffix(".draft")  # a run that reads at this moment does not see a half-written file
    draft.write_text(text.replace(broken, mended))
    draft.replace(path)
    return f"{path}: {broken!r} is {mended!r} now"


def _csv(rows: list[tuple[str, ...]]) -> str:
    return HEAD + "".join(",".join(row) + "\n" for row in rows)


def _make(path: Path, text: str) -> None:
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(0o600)
        draft.write_text(text)
        draft.replace(path)


class Site(ThreadingHTTPServer):
    """Pages to check, and a shop that accepts orders with its token; on any free port."""

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = token

    @property
    def url(self) -> str:
        """The URL of the site."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        if self.path.removeprefix("/pages/") in PAGES and self.path != GONE:
            return self._answer(200, {"page": self.path})
        return self._answer(404, {"error": "no such page"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["authorization"] != f"Bearer {self.server.token}":
            return self._answer(401, {"error": "this is not the shop's token"})
        return self._answer(201, {"confirmed": len(json.loads(body))})

    def _answer(self, status: int, said: dict[str, object]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Do not log here: the automations do."""
