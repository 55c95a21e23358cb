"""The warehouse once more in plain Python: what the SQL must equal.

Written from the specification, not from the SQL: queues, loops over days, exact
arithmetic. Slow, and meant to be read.

`queues` knows gross P&L by day alone, `pnl` every match, lot and step of the path,
`trips` the round trips, `features` every column of the feature marts. `adversarial`
makes the fills on which both are compared.
"""

from tests.oracle.features import THEMES, feature_rows, label_rows
from tests.oracle.fills import Fill, prepare
from tests.oracle.pnl import Book, keep_book
from tests.oracle.queues import daily_gross, daily_gross_in_time_order
from tests.oracle.trips import Trip, round_trips

__all__ = [
    "THEMES",
    "Book",
    "Fill",
    "Trip",
    "daily_gross",
    "daily_gross_in_time_order",
    "feature_rows",
    "keep_book",
    "label_rows",
    "prepare",
    "round_trips",
]
