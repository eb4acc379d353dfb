"""What one operation may ask for in total.

Lists have executions, these have workflows, and those have lists and figures: without a bound, the cost of an operation
would grow a hundredfold with each level of nesting.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import LimitExceeded

# A million rows of a third level held up every other request for 14 s; so many take one second.
MAX_ROWS = 25_000
# What a list counts besides its rows: it is a statement or two, however short.
ROWS_OF_A_LIST = 10
# Three for each of 100 workflows take 0.6 s.
MAX_FIGURES = 1_000
# A hundred trends with the most buckets take 3 s; a thousand of them would be 0.6 GB in memory.
MAX_POINTS = 150_000


@dataclass(slots=True)
class Budget:
    """What an operation has asked for so far. Each method raises LimitExceeded beyond its bound."""

    rows: int = 0
    figures: int = 0
    points: int = 0

    def copy(self) -> Budget:
        """As it stands now."""
        return Budget(self.rows, self.figures, self.points)

    def take_list(self, rows: int) -> None:
        """Count a list of so many rows."""
        self.rows += ROWS_OF_A_LIST + rows
        if self.rows > MAX_ROWS:
            raise LimitExceeded(f"At most {MAX_ROWS} rows in all lists of one operation; request fewer")

    def take_figures(self) -> None:
        """Count figures."""
        self.figures += 1
        if self.figures > MAX_FIGURES:
            raise LimitExceeded(f"At most {MAX_FIGURES} figures in one operation; request fewer")

    def take_trend(self, points: int) -> None:
        """Count a trend of so many points."""
        self.points += points
        if self.points > MAX_POINTS:
            raise LimitExceeded(f"At most {MAX_POINTS} points in all trends of one operation; request fewer")
