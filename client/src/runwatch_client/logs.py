"""A logging handler that makes log lines of the current run out of log records."""

from __future__ import annotations

import logging

from runwatch_client.delivery import is_own_thread
from runwatch_client.runs import current_run

OWN_LOGGERS = ("runwatch_client", "httpx", "httpcore")
# What a record has of itself; all else was given as `extra`.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}


class RunwatchHandler(logging.Handler):
    """Reports each record as a log line of the run, and step, in whose context it was logged; others are passed by."""

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line; no failure of this reaches the one who logs."""
        run = current_run.get()
        if run is None or record.name.partition(".")[0] in OWN_LOGGERS or is_own_thread(record.thread):
            return
        try:
            message = record.getMessage()
            attributes = {key: value for key, value in vars(record).items() if key not in _USUAL}
            attributes["logger"] = record.name
            if record.exc_info or record.exc_text or record.stack_info:
                message = logging.Formatter("%(message)s").format(record)
            run.log(record.levelno, message, **{str(key): value for key, value in attributes.items()})
        except Exception as error:
            # A time limit of Celery's is raised wherever the task happens to be; it is not ours to swallow.
            if type(error).__name__ == "SoftTimeLimitExceeded":
                raise
            self.handleError(record)
