"""APP-AUTO-EXEC-ENGINES-…: administrators connect and disconnect engines over the API, and renew their secrets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from specs.engines.retries import count_audited, listed, one, refused, retry, wait_for
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.receiver import Answer, Receiver

CONNECT = """
mutation Connect($input: ConnectEngineInput!) {
  connectEngine(input: $input) { signingSecret engine { id name kind canRetry retryObstacle } }
}
"""
ROTATE = "mutation R($input: RotateEngineSecretInput!) { rotateEngineSecret(input: $input) { signingSecret } }"
TEST = "mutation T($id: ID!) { testEngine(id: $id) { reached detail } }"
DISCONNECT = "mutation D($id: ID!) { disconnectEngine(id: $id) { cancelledRetries engine { id kind retryObstacle } } }"
AUDIT = "{ auditLog(first: 20) { nodes { action subject detail } } }"
# Nobody has this name, and it may have a password in its path.
URL = "https://engine.invalid/hooks/T0123456789ABCDEF"


def connect(runwatch: Runwatch, engine: str, way_back: Any, **more: Any) -> Any:
    """The whole answer to connectEngine."""
    return runwatch.ask(CONNECT, input={"name": engine, "wayBack": way_back, **more})


def connected(runwatch: Runwatch, engine: str, way_back: Any, **more: Any) -> Any:
    """The payload of one that must succeed."""
    answer = connect(runwatch, engine, way_back, **more)
    assert "errors" not in answer, answer
    return answer["data"]["connectEngine"]


def rotated(runwatch: Runwatch, **given: Any) -> str:
    """The secret that rotateEngineSecret shows."""
    answer = runwatch.ask(ROTATE, input=given)
    assert "errors" not in answer, answer
    return str(answer["data"]["rotateEngineSecret"]["signingSecret"])


def test_engines_004_an_administrator_connects_an_engine(runwatch: Runwatch) -> None:
    """connectEngine MUST give an engine a way back, its secret once, again for the same key alone; audited."""
    name = unique("billing")
    made = connected(runwatch, name, {"webhookUrl": URL}, idempotencyKey="a click")
    engine, secret = made["engine"], made["signingSecret"]
    assert secret.startswith("whsec_")
    assert (engine["name"], engine["kind"], engine["canRetry"]) == (name, "WEBHOOK", True)
    assert connected(runwatch, name, {"webhookUrl": URL}, idempotencyKey="a click") == made, "a double click"
    for way_back, key in (({"webhookUrl": URL}, "another"), ({"webhookUrl": f"{URL}/x"}, "a click")):
        assert refused(connect(runwatch, name, way_back, idempotencyKey=key)) == ("CONFLICT", None)
    second = connected(runwatch, name, {"webhookUrl": URL}, replace=True)["signingSecret"]
    third = rotated(runwatch, id=engine["id"], overlapHours=1.5, idempotencyKey="rotate")
    assert rotated(runwatch, id=engine["id"], idempotencyKey="rotate") == third
    assert rotated(runwatch, id=engine["id"]) not in {secret, second, third}
    log = runwatch.ask(AUDIT)["data"]["auditLog"]["nodes"]
    found = [(each["action"], each["detail"]) for each in log if each["subject"] == engine["id"]]
    told = {"name": name, "kind": "WEBHOOK", "hosts": ["engine.invalid"]}
    assert found == [
        ("rotateEngineSecret", {"name": name, "overlapHours": 24}),
        ("rotateEngineSecret", {"name": name, "overlapHours": 1.5}),
        ("connectEngine", {**told, "replaced": True}),
        ("connectEngine", {**told, "replaced": False}),
    ]
    shown = f"{log} {runwatch.ask('{ engines { id name kind } }')}"
    assert not any(each in shown for each in ("whsec_", "T0123456789ABCDEF"))


def test_engines_005_a_test_says_whether_the_way_back_is_there(runwatch: Runwatch) -> None:
    """testEngine MUST say why a way back cannot be reached, and nothing that is secret of it."""
    name = unique("away")
    id_ = connected(runwatch, name, {"webhookUrl": URL})["engine"]["id"]
    found = runwatch.ask(TEST, id=id_)["data"]["testEngine"]
    assert found == {"reached": False, "detail": "The host was not found: engine.invalid"}
    (entry, *_) = runwatch.ask(AUDIT)["data"]["auditLog"]["nodes"]
    assert (entry["action"], entry["detail"]) == ("testEngine", {"name": name, "reached": False})
    runwatch.cli("engine", "add", other := unique("bare"))
    listed = runwatch.ask("{ engines { id name } }")["data"]["engines"]
    (bare,) = [each["id"] for each in listed if each["name"] == other]
    assert refused(runwatch.ask(TEST, id=bare)) == ("CONFLICT", None)
    assert refused(runwatch.ask(ROTATE, input={"id": bare})) == ("CONFLICT", None)


def test_engines_006_what_cannot_be_a_way_back_is_refused(runwatch: Runwatch) -> None:
    """Invalid names, URLs and keys, and addresses of private networks MUST be refused with a code; nothing changes."""
    name, before = unique("odd"), count_audited(runwatch)
    for way_back in (
        {"webhookUrl": ""},
        {"webhookUrl": "engine.example/hook"},
        {"webhookUrl": "ftp://engine.example/"},
        {"webhookUrl": "https://ada:secret@engine.example/"},
        {"webhookUrl": f"https://engine.example/{'x' * 2_000}"},
        {"webhookUrl": "http://127.0.0.1:9/"},
        {"webhookUrl": "http://0x7f.1/"},
        {"webhookUrl": "http://[::ffff:169.254.169.254]/latest"},
        {"webhookUrl": "http://app.localhost/"},
        {"brokerUrl": "redis://10.0.0.7:6379/0"},
        {"brokerUrl": "redis:///0"},
        {"brokerUrl": "amqp://broker.example//;amqp://%31%32%37.0.0.1//"},
        {"brokerUrl": "http://broker.example/"},
        {"brokerUrl": "rediss://broker.example/0?ssl_ca_certs=/etc/shadow"},
        {"brokerUrl": "redis://broker.example/0?credential_provider=os.system"},
        {},
        {"webhookUrl": URL, "brokerUrl": "redis://broker.example"},
    ):
        assert refused(connect(runwatch, name, way_back))[0] == "BAD_USER_INPUT", way_back
    for more in ({"name": ""}, {"name": "a\nb"}, {"idempotencyKey": ""}, {"idempotencyKey": "a\0"}):
        assert refused(connect(runwatch, name, {"webhookUrl": URL}, **more))[0] == "BAD_USER_INPUT", more
    unknown = f"engine_{'0' * 32}"
    for hours in (-1, 721):
        given = {"id": unknown, "overlapHours": hours}
        assert refused(runwatch.ask(ROTATE, input=given))[0] == "BAD_USER_INPUT"
    assert refused(runwatch.ask(ROTATE, input={"id": unknown})) == ("NOT_FOUND", None)
    assert refused(runwatch.ask(TEST, id=unknown)) == ("NOT_FOUND", None)
    for token in (runwatch.token("viewer"), runwatch.token("runner", unique("engine"))):
        answer = runwatch.ask(CONNECT, token, input={"name": "", "wayBack": {"webhookUrl": "x"}})
        assert refused(answer) == ("FORBIDDEN", None)
    assert name not in str(runwatch.ask("{ engines { name } }"))
    assert count_audited(runwatch) == before


def failed(runwatch: Runwatch, engine: str, subject: str) -> Any:
    """A run that failed."""
    runwatch.report(*run_events(engine, subject, 0, state="FAILED"))
    return listed(runwatch, engine=[engine])[subject]


def test_engines_007_a_disconnected_engine_is_sent_nothing_more(runwatch: Runwatch) -> None:
    """disconnectEngine MUST wait for what is being sent, cancel what waits, and refuse retries; events still count."""
    name, hold = unique("leaving"), threading.Event()
    with (
        Receiver(Answer(500, headers={"retry-after": "60"}, hold=hold)) as receiver,
        ThreadPoolExecutor(1) as elsewhere,
    ):
        runwatch.cli("engine", "add", name, "--webhook", receiver.url)
        run = failed(runwatch, name, "one")
        asked = retry(runwatch, run["id"])["execution"]
        receiver.wait(1)
        engines = runwatch.ask("{ engines { id name } }")["data"]["engines"]
        (id_,) = [each["id"] for each in engines if each["name"] == name]
        answer = elsewhere.submit(runwatch.ask, DISCONNECT, id=id_)
        # The connection goes first: from then on nothing can be asked for.
        reasons = ["ENGINE_CANNOT_RETRY", "RETRY_IN_PROGRESS"]
        wait_for(runwatch, run["id"], lambda found: found["retryability"]["reasons"] == reasons)
        assert not answer.done()
        hold.set()
        engine = {"id": id_, "kind": "NONE", "retryObstacle": "NOT_CONNECTED"}
        assert answer.result()["data"]["disconnectEngine"] == {"cancelledRetries": 1, "engine": engine}
        cancelled = one(runwatch, asked["id"])
        assert (cancelled["state"], cancelled["error"]) == ("CANCELLED", None)
        told = {"acceptedAt": None, "nextAttemptAt": None, "lastError": "The engine was disconnected"}
        assert cancelled["dispatch"] == {"attempts": 1, **told}
        run = failed(runwatch, name, "two")
        assert run["retryability"] == {"canRetry": False, "reasons": ["ENGINE_CANNOT_RETRY"]}
        runwatch.cli("engine", "add", name, "--webhook", receiver.url)
        runwatch.cli("engine", "disconnect", name)
        assert one(runwatch, run["id"])["retryability"]["reasons"] == ["ENGINE_CANNOT_RETRY"]
        assert len(receiver.requests) == 1
    log = runwatch.ask(AUDIT)["data"]["auditLog"]["nodes"]
    found = [(each["action"], each["detail"]) for each in log if each["subject"] == id_]
    assert found == [("disconnectEngine", {"name": name, "kind": "WEBHOOK", "hosts": ["127.0.0.1"]})]
    assert refused(runwatch.ask(DISCONNECT, id=f"engine_{'0' * 32}")) == ("NOT_FOUND", None)
    assert refused(runwatch.ask(DISCONNECT, runwatch.token("viewer"), id=id_)) == ("FORBIDDEN", None)
