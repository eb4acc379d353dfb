"""What the connections of one process have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.asgi.arrivals import Arrivals
from app.server.admission import Admission
from app.server.gathering import Gathering

# Bodies of events of which many are in work begin together. Each takes some ten turns of the event loop, and a turn
# 10 µs beside what is done in it. Of a fleet that does not wait for answers, they arrive one by one, and cost a third
# more CPU than those of clients that are answered, and send again, together.
START_SECONDS, STARTS = 0.005, 16
# Refusals are sent together: to wake a client for each costs more than the rest of it. Nobody waits for one.
REFUSAL_SECONDS, REFUSALS = 0.02, 64


@dataclass(frozen=True, slots=True)
class Arriving:
    """How long requests of one process may arrive, which do, which answers are not taken, and who is idle.

    And which bodies of events and of GraphQL are in work.
    """

    head_seconds: float
    body_seconds: float
    heads: Arrivals = field(default_factory=Arrivals)
    bodies: Arrivals = field(default_factory=Arrivals)
    events: Admission = field(default_factory=lambda: Admission.of_events(1_000))
    graphql: Admission = field(default_factory=lambda: Admission.of_graphql(1_000))
    starts: Gathering = field(default_factory=lambda: Gathering(START_SECONDS, STARTS))
    refusals: Gathering = field(default_factory=lambda: Gathering(REFUSAL_SECONDS, REFUSALS))
    answers: Arrivals = field(default_factory=Arrivals)
    idle: Arrivals = field(default_factory=Arrivals)  # answered, until the next request; uvicorn ends them after 5 s
