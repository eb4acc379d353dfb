"""Numbers of one process: counters that the code adds to, histograms, and gauges that are asked for.

Plain numbers in the event loop's thread: prometheus-client's own take a lock and 1 µs each time, and it is imported
only when somebody asks for /metrics. Names and units follow Prometheus' conventions; docs/monitoring.md has them all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

Labels = tuple[str, ...]
Combine = Literal["sum", "max"]
# Label values that clients may invent count as this, once there are too many.
OTHER, MAX_LABELS = "other", 60


class Number:
    """What all have: a name, a help text, and the names of their labels."""

    kind = ""

    def __init__(self, name: str, help_: str, labels: Labels = ()) -> None:
        self.name, self.help, self.labels = name, help_, labels
        ALL[name] = self


ALL: dict[str, Number] = {}


class Counter(Number):
    """Only grows, even over the end of a worker process: its successor goes on from there."""

    kind = "counter"

    def __init__(self, name: str, help_: str, labels: Labels = ()) -> None:
        super().__init__(name, help_, labels)
        self.values: dict[Labels, float] = {}

    def add(self, by: float = 1, *labels: str) -> None:
        """Add to it."""
        values = self.values
        if labels in values:
            values[labels] += by
        else:
            known = labels if len(values) < MAX_LABELS else (OTHER,) * len(labels)
            values[known] = values.get(known, 0) + by


class Histogram(Number):
    """How many values were at most as large as each bound, and their sum."""

    kind = "histogram"

    def __init__(self, name: str, help_: str, labels: Labels, bounds: tuple[float, ...]) -> None:
        super().__init__(name, help_, labels)
        self.bounds = bounds
        self.values: dict[Labels, list[float]] = {}  # a number for each bound, one for what is larger, and the sum

    def observe(self, value: float, *labels: str) -> None:
        """Count a value."""
        found = self.values.get(labels)
        if found is None:
            found = self.values[labels] = [0] * (len(self.bounds) + 2)
        found[bisect_left(self.bounds, value)] += 1
        found[-1] += value


Ask = Callable[[], Mapping[Labels, float]]


class Gauge(Number):
    """Goes up and down. Of several processes the sum, or the greatest; `ask` says what it is in this one."""

    kind = "gauge"

    def __init__(self, name: str, help_: str, labels: Labels = (), combine: Combine = "sum") -> None:
        super().__init__(name, help_, labels)
        self.combine = combine
        self.ask: Ask | None = None


class Shared(Number):
    """What is true of the database whichever process asks, at the moment of a scrape."""

    kind = "gauge"


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

EVENTS = Counter("runwatch_events", "Events that POST /api/events took and committed.")
REJECTED = Counter(
    "runwatch_events_rejected", "Events that were rejected, by the attribute or field at fault.", ("reason",)
)
REQUESTS = Counter(
    "runwatch_http_requests",
    "Requests that were answered, by path and status; 499: the client had gone.",
    ("path", "status"),
)
REQUEST_SECONDS = Histogram(
    "runwatch_http_request_duration_seconds", "Time from a request to the end of its answer.", ("path",), _SECONDS
)
ERRORS = Counter("runwatch_errors", "Errors that answers had, by extensions.code.", ("code",))
BUDGET_REFUSALS = Counter(
    "runwatch_budget_refusals", "GraphQL operations that were refused, or ended, by their budget."
)
RATE_REFUSALS = Counter(
    "runwatch_rate_refusals", "Requests and operations that were refused by a rate, by its setting.", ("limit",)
)
FALLBACKS = Counter(
    "runwatch_graphql_fallbacks",
    "Operations that graphql-core executed, since their compiled form could not, by reason.",
    ("reason",),
)
STATEMENTS = Counter("runwatch_database_reads", "Reading statements, by how they ended.", ("outcome",))
STATEMENT_SECONDS = Counter("runwatch_database_read_seconds", "Time that reading statements took, waits included.")
TRANSACTIONS = Counter("runwatch_database_transactions", "Write transactions, by how they ended.", ("outcome",))
TRANSACTION_SECONDS = Counter(
    "runwatch_database_transaction_seconds", "Time that write transactions took, waits and repetitions included."
)
DELIVERIES = Counter("runwatch_deliveries", "Attempts to deliver retries and alerts, by outcome.", ("kind", "outcome"))
DELETED = Counter("runwatch_retention_deleted", "What retention has deleted, by what it was.", ("kind",))
CPU_SECONDS = Counter("runwatch_process_cpu_seconds", "CPU time of the server processes.")

CONNECTIONS = Gauge(
    "runwatch_database_connections",
    "Connections to the database, by use; unopened: the pool may open as many more.",
    ("pool", "state"),
)
WEBSOCKETS = Gauge("runwatch_websockets", "Open WebSockets.")
OPERATIONS = Gauge("runwatch_websocket_operations", "Operations on all WebSockets.")
SUBSCRIBERS = Gauge(
    "runwatch_feed_subscribers", "Subscribers that the feed has: subscriptions that share results are one."
)
FEED_LAG = Gauge(
    "runwatch_feed_lag_changes",
    "Changes that a process knew of and had not delivered at its last look; the greatest of all processes.",
    combine="max",
)
FEED_AGE = Gauge(
    "runwatch_feed_look_age_seconds",
    "Time since a process last read the changes; the greatest of all processes.",
    combine="max",
)
MEMORY = Gauge("runwatch_process_resident_memory_bytes", "Resident memory of the server processes.")
DESCRIPTORS = Gauge("runwatch_process_open_fds", "Open file descriptors of the server processes.")
WORKERS = Gauge("runwatch_server_processes", "Server processes.")

UP = Shared("runwatch_database_up", "Whether the database answered this scrape.")
DELTAS = Shared("runwatch_fold_lag_deltas", "Deltas that are not folded into figures yet, at most 100,000.")
OUTBOX = Shared("runwatch_outbox_messages", "Deliveries that wait or are under way, by kind and age.", ("kind", "age"))
OUTBOX_AGE = Shared("runwatch_outbox_oldest_seconds", "Age of the oldest delivery that waits, by kind.", ("kind",))
CHECKS = Shared("runwatch_alert_checks", "Failures that no rule has been held against yet, at most 100,000.")
RETENTION_ON = Shared("runwatch_retention_enabled", "Whether retention is on.")
RETENTION_ENDED = Shared(
    "runwatch_retention_last_turn_timestamp_seconds", "When the last turn of retention ended; 0: none has."
)
SIZE = Shared("runwatch_database_size_bytes", "Size of the database's files.")
BUILD = Shared("runwatch_build_info", "1; the labels say what runs.", ("version", "python", "database"))


_DOORS = frozenset({"/", "/graphql", "/api/events", "/session", "/metrics"})


def path_of(path: str) -> str:
    """The label of a path: clients choose paths, and there are few doors."""
    if path in _DOORS:
        return path
    if path.startswith("/health"):
        return "/health"
    return "page" if path.startswith(("/admin", "/assets", "/graphiql")) else OTHER


def reason_of(error: str) -> str:
    """The attribute or field that a rejection is about: `time` of "time: not a time"."""
    name, colon, _ = error.partition(":")
    return name if colon and len(name) <= 40 and name.replace(".", "").replace("_", "").isalnum() else OTHER


def refresh() -> None:
    """Replaced: counts what is counted only when somebody asks."""


def totals(numbers: Iterable[Number]) -> dict[str, list[tuple[Labels, list[float]]]]:
    """The values of counters, histograms and gauges of this process, as lists."""
    found: dict[str, list[tuple[Labels, list[float]]]] = {}
    refresh()
    for number in numbers:
        if isinstance(number, Counter):
            found[number.name] = [(labels, [value]) for labels, value in number.values.items()]
        elif isinstance(number, Histogram):
            found[number.name] = [(labels, list(values)) for labels, values in number.values.items()]
        elif isinstance(number, Gauge) and number.ask is not None:
            found[number.name] = [(labels, [value]) for labels, value in number.ask().items()]
    return found
