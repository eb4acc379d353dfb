"""A logging handler that turns log records into log lines of the current run."""

from __future__ import annotations

import logging

from runwatch_client.delivery import is_own_thread
from runwatch_client.runs import current_run

OWN_LOGGERS = ("runwatch_client", "httpx", "httpcore")
# The attributes that every record has. All others come from `extra`.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}


class RunwatchHandler(logging.Handler):
    """Reports each record as a log line of the run and step in whose context it was logged; ignores other records."""

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line. A failure of this never reaches the caller."""
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
            # Celery raises a time limit wherever the task happens to be. We must not swallow it.
            if type(error).__name__ == "SoftTimeLimitExceeded":
                raise
            self.handleError(record)
