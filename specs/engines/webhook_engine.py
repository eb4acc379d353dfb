"""An engine of the specs: a process that runs shell commands out of trigger data, and takes retries by webhook.

Written against docs/events.md alone, with nothing but the standard library, so that it shares no mistake with us.

    webhook_engine.py RUNWATCH_URL NAME PORT FOLDER         (TOKEN and SECRET in the environment)

POST /start/<workflow> with trigger data begins a run; POST /webhook takes retries. Trigger data are
{"run": "a shell command"} and whatever else; the command runs in FOLDER and gets the data on its standard input, as
the very text that came. What was delivered is a line each of FOLDER/deliveries; FOLDER/answer may hold the status with
which to refuse webhooks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import urllib.request
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

URL, NAME, PORT, FOLDER = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
TOKEN, SECRET = os.environ["TOKEN"], base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))

lock = threading.Lock()
known: set[str] = set()


def report(subject: str, type_: str, data: str) -> None:
    """Send one event; `data` is JSON text."""
    head = {
        "specversion": "1.0",
        "id": f"{subject}/{type_}",
        "source": NAME,
        "subject": subject,
        "type": type_,
        "time": datetime.now(UTC).isoformat(),
    }
    body = f'{json.dumps(head)[:-1]}, "data": {data}}}'.encode()
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/cloudevents+json"}
    with urllib.request.urlopen(urllib.request.Request(f"{URL}/api/events", body, headers), timeout=30) as answer:
        assert json.load(answer)["rejected"] == []


def work(subject: str, trigger_data: str) -> None:
    """Run the command, and report how it went."""
    report(subject, "execution.started", "{}")
    command = ["sh", "-c", json.loads(trigger_data)["run"]]
    done = subprocess.run(command, cwd=FOLDER, input=trigger_data.encode(), capture_output=True)
    finish: dict[str, Any] = {"state": "SUCCEEDED"}
    if done.returncode:
        message = done.stderr.decode() or f"exit code {done.returncode}"
        finish = {"state": "FAILED", "error": {"type": "ExitCode", "message": message, "stackTrace": message}}
    report(subject, "execution.finished", json.dumps(finish))


def verified(headers: dict[str, str], body: bytes) -> bool:
    """Whether the signature is that of Standard Webhooks."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256)).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")


def text_of_trigger_data(body: str) -> str:
    """The value of data.trigger.data as the text that it is, since a float would lose digits."""
    text = body[body.index('"trigger":') :]
    start = text.index('"data":') + len('"data":')
    end = json.JSONDecoder().raw_decode(text, start)[1]
    return text[start:end]


class Door(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        self.answer(200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path.startswith("/start/"):
            subject, trigger_data = uuid.uuid4().hex, body.decode()
            workflow = json.dumps(self.path.removeprefix("/start/"))
            claims = f'{{"workflow": {workflow}, "trigger": {{"kind": "api", "data": {trigger_data}}}}}'
            report(subject, "execution.queued", claims)
            threading.Thread(target=work, args=(subject, trigger_data)).start()
            self.answer(200, subject)
        else:
            self.receive({name.lower(): value for name, value in self.headers.items()}, body)

    def receive(self, headers: dict[str, str], body: bytes) -> None:
        refusal = FOLDER / "answer"
        valid = verified(headers, body)
        status = 400 if not valid else int(refusal.read_text()) if refusal.exists() else 202
        with lock, (FOLDER / "deliveries").open("a") as file:
            delivery = {"headers": headers, "body": body.decode(), "status": status}
            file.write(json.dumps(delivery) + "\n")
            new = status == 202 and headers["webhook-id"] not in known
            if new:
                known.add(headers["webhook-id"])
        self.answer(status)
        if new:
            subject = json.loads(body)["data"]["externalId"]
            threading.Thread(target=work, args=(subject, text_of_trigger_data(body.decode()))).start()

    def answer(self, status: int, text: str = "") -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Doors(ThreadingHTTPServer):
    """All of them; many may knock at once."""

    request_queue_size = 200


if __name__ == "__main__":
    Doors(("127.0.0.1", PORT), Door).serve_forever()
