"""AUTO-EXEC-ADMIN-003: an administrator sees where an error was raised, in the frames of its stack trace."""

from __future__ import annotations

from specs.harness.driver import Runwatch, event, run_events, unique

FRAMES = """
query Frames($e: [String!]) {
  executions(filter: {engine: $e}) {
    nodes { error { frames { ...F } } steps { error { stackTrace frames { ...F } } } }
  }
}
fragment F on StackFrame { file line function source library cause }
"""
TRACE = """\
Traceback (most recent call last):
  File "/app/orders.py", line 83, in _order
    return int("hunter2hunter2")
ValueError: no number: 'hunter2hunter2'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3/site-packages/engine/run.py", line 12, in run
    work()
  File "/app/orders.py", line 59, in place
    raise BrokenRow
orders.BrokenRow
"""


async def test_detail_009_frames_of_a_stack_trace(runwatch: Runwatch) -> None:
    """Errors MUST have the frames of their trace, innermost first, with causes and without secrets; others none."""
    engine = unique("frames")
    queued = {"workflow": "w", "trigger": {"kind": "k", "data": {"password": "hunter2hunter2"}}}
    step = {"index": 0, "name": "s", "state": "FAILED"}
    node = "TypeError: x is undefined\n    at check (/srv/check.js:5:12)\n    at node:internal/process/tasks:95:5"
    error = {"type": "BrokenRow", "message": "m", "stackTrace": TRACE}
    runwatch.report(
        event(engine, "r", "execution.queued", 0, queued),
        event(engine, "r", "step.finished", 1, {"step": step | {"error": {"message": "m", "stackTrace": node}}}),
        event(engine, "r", "step.finished", 2, {"step": step | {"index": 1, "error": {"stackTrace": "no frames"}}}),
        event(engine, "r", "execution.finished", 3, {"state": "FAILED", "error": error}),
        *run_events(engine, "silent", 0, state="FAILED"),
    )
    found = (await runwatch.query(FRAMES, {"e": [engine]}))["executions"]["nodes"]
    run = next(each for each in found if each["steps"])
    assert [list(frame.values()) for frame in run["error"]["frames"]] == [
        ["/app/orders.py", 59, "place", "raise BrokenRow", False, None],
        ["/usr/lib/python3/site-packages/engine/run.py", 12, "run", "work()", True, None],
        ["/app/orders.py", 83, "_order", 'return int("•••")', False, "ValueError: no number: '•••'"],
    ]
    first, second = (each["error"] for each in run["steps"])
    assert [(frame["file"], frame["line"], frame["library"]) for frame in first["frames"]] == [
        ("/srv/check.js", 5, False),
        ("node:internal/process/tasks", 95, True),
    ]
    assert (second["stackTrace"], second["frames"]) == ("no frames", None)
    assert next(each for each in found if not each["steps"])["error"]["frames"] is None
