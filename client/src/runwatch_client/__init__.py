"""Reports runs of automations to Runwatch, and reads the retries that it asks for.

    client = Runwatch("https://runwatch.example", token, "billing")
    with client.execution("send invoices", trigger_kind="schedule", trigger_data={"month": "2026-10"}) as run:
        with run.step("collect"):
            ...

runwatch_client.webhook verifies retries that come as webhooks; runwatch_client.celery reports Celery's tasks.
"""

from runwatch_client.arguments import ConfigurationError
from runwatch_client.checking import Check
from runwatch_client.client import Runwatch
from runwatch_client.logs import RunwatchHandler
from runwatch_client.reporter import Stats
from runwatch_client.runs import Run, Step, current_run
from runwatch_client.webhook import RetryRequest, WebhookError

__all__ = [
    "Check",
    "ConfigurationError",
    "RetryRequest",
    "Run",
    "Runwatch",
    "RunwatchHandler",
    "Stats",
    "Step",
    "WebhookError",
    "current_run",
]
__version__ = "0.1.0"
