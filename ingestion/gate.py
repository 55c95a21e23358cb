"""Checks of a batch before it counts, with Great Expectations.

The library takes seconds to import, so it is imported here and for its pages only
(`ingestion/data_docs.py`), while the source still answers. The results are rows of
`raw.gate_results`, and the report shows what was not met.
"""

import os
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa

from ingestion.landing import THE_FIRM
from ingestion.parsed_batch import ParsedBatch
from ingestion.resources import FILLS
from ingestion.versions import ChangedDays
from runtime.errors import UserError

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.core.batch_definition import BatchDefinition

# Extended hours of US equities, in hours after midnight.
DAY_BEGINS, DAY_ENDS = 4, 20
# Times or days of a batch that is mostly beside the market are another zone's.
MINIMUM_SHARE_IN_MARKET = 0.5
MINIMUM_FILLS_OF_ZONE = 20
USUAL_SHARE_IN_MARKET = 0.99
# A price beyond this multiple, or part, of its symbol's median of the day is odd.
PRICE_MULTIPLE = 5
ODD_QUANTITY = 1_000_000
# An account's day with this many times its usual number of fills is odd.
VOLUME_MULTIPLE = 20
HISTORY_DAYS = 20
MINIMUM_HISTORY_DAYS = 5
# The firm's last day with less than this part of its usual number of fills is odd.
LOW_FIRM_VOLUME = 0.2
# If more of the re-read account-days than this vanish, something else is wrong.
MAXIMUM_SHARE_VANISHED = 0.5
MINIMUM_DAYS_VANISHED = 3
MAXIMUM_SHARE_REJECTED = 0.2
MINIMUM_ROWS_REJECTED = 20
# Sessions without any fill of the firm until a run makes no sense any more.
MAXIMUM_STALE_SESSIONS = 5

_COUNTS = {"result_format": "SUMMARY", "partial_unexpected_count": 0}

RESULTS_SCHEMA = pa.schema(
    {
        "as_of": pa.date32(),
        "check_name": pa.string(),
        "severity": pa.string(),
        "batch": pa.string(),
        "is_met": pa.bool_(),
        "found_count": pa.int64(),
        "checked_count": pa.int64(),
        "finding": pa.string(),
        "checked_at": pa.timestamp("us"),
    }
)


def import_library() -> None:
    """Import Great Expectations; takes seconds, which may pass while others wait."""
    # Read when the library is imported.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations.expectations  # noqa: F401


class GateError(UserError):
    """A batch failed a critical check; the message says which, and what to do."""


@dataclass(frozen=True)
class Check:
    """One expectation of a column.

    Attributes:
        name: As in `raw.gate_results`.
        column: Of the frame that is checked.
        expectation: Name of the expectation class and its arguments.
        finding: What it means if it is not met; `{}` is how many.
        is_critical: Whether it stops the run.
    """

    name: str
    column: str
    expectation: tuple[str, dict[str, object]]
    finding: str
    is_critical: bool = False


def _between(
    minimum: float | None, maximum: float | None, **more: object
) -> tuple[str, dict[str, object]]:
    limits: dict[str, object] = {"min_value": minimum, "max_value": maximum}
    return "ExpectColumnValuesToBeBetween", limits | more


FILL_CHECKS = (
    Check(
        "sides",
        "side",
        ("ExpectColumnValuesToBeInSet", {"value_set": ["B", "S", "T", "C"]}),
        "{} fills have a side that is not B, S, T or C",
        is_critical=True,
    ),
    Check(
        "quantities_positive",
        "quantity",
        _between(0, None, strict_min=True),
        "{} fills have no quantity",
        is_critical=True,
    ),
    Check(
        "quantities_usual",
        "quantity",
        _between(None, ODD_QUANTITY),
        f"{{}} fills are larger than {ODD_QUANTITY:,} units",
    ),
    Check(
        "ids_unique",
        "id_is_repeated",
        ("ExpectColumnValuesToBeInSet", {"value_set": [0]}),
        "{} fills carry a PropReports Id that another fill of the batch carries, too",
    ),
    Check(
        "prices_not_negative",
        "price",
        _between(0, None),
        "{} fills have a price below zero, as only spreads may",
    ),
    Check(
        "prices_usual",
        "price_multiple",
        _between(1 / PRICE_MULTIPLE, PRICE_MULTIPLE),
        f"{{}} equity fills are priced over {PRICE_MULTIPLE} times, or below a "
        f"{PRICE_MULTIPLE}th of, their symbol's median of the day",
    ),
    Check(
        "times_eastern",
        "hour_of_many",
        _between(DAY_BEGINS, DAY_ENDS, mostly=MINIMUM_SHARE_IN_MARKET),
        "{} equity fills, most of them, lie outside 04:00 to 20:00: are the times "
        "Eastern?",
        is_critical=True,
    ),
    Check(
        "times_in_day",
        "hour",
        _between(DAY_BEGINS, DAY_ENDS, mostly=USUAL_SHARE_IN_MARKET),
        "{} equity fills lie outside 04:00 to 20:00",
    ),
    Check(
        "dates_in_sessions",
        "is_session",
        ("ExpectColumnValuesToBeInSet", {"value_set": [1], "mostly": 0.99}),
        "{} fills lie on days on which the exchange was closed",
    ),
)
VOLUME_CHECKS = (
    Check(
        "volume_usual",
        "fills_multiple",
        _between(None, VOLUME_MULTIPLE),
        f"{{}} account-days have over {VOLUME_MULTIPLE} times the account's usual "
        "number of fills",
    ),
)
BATCH_CHECKS = (
    Check(
        "days_vanished",
        "vanished_share",
        _between(None, MAXIMUM_SHARE_VANISHED),
        "{} account-days, most of those of their kind, are no longer shown: has "
        "API_GROUP_ID or a permission changed?",
        is_critical=True,
    ),
    Check(
        "rows_rejected",
        "rejected_share",
        _between(None, MAXIMUM_SHARE_REJECTED),
        f"{{}} rows, over {MAXIMUM_SHARE_REJECTED:.0%} of the fills, cannot be read: "
        "has the format changed? raw.quarantine names the rows",
        is_critical=True,
    ),
)
FIRM_CHECKS = (
    Check(
        "firm_fresh",
        "stale_sessions",
        _between(None, 0),
        "{} sessions before the AS_OF date are without a single fill of the firm",
    ),
    Check(
        "firm_not_stale",
        "stale_sessions",
        _between(None, MAXIMUM_STALE_SESSIONS),
        f"{{}} sessions, more than {MAXIMUM_STALE_SESSIONS}, before the AS_OF date are "
        "without a single fill of the firm: does PropReports still get them?",
        is_critical=True,
    ),
    Check(
        "firm_volume_usual",
        "last_day_multiple",
        _between(LOW_FIRM_VOLUME, None),
        "the firm's last day has only {} times its usual number of fills: have all "
        "files arrived?",
    ),
)


class Gate:
    """Checks the batches of one run and keeps the results.

    Args:
        as_of: The morning of the run.
        stops: Whether a critical check that is not met raises.
        now: Naive UTC.
    """

    def __init__(self, *, as_of: date, stops: bool, now: datetime) -> None:
        self.as_of = as_of
        self._stops = stops
        self._now = now
        self._batch_definition: BatchDefinition | None = None
        self._parts = 0
        self.results: list[dict[str, Any]] = []
        self.validations: list[tuple[str, ExpectationSuiteValidationResult]] = []

    def check_comparison(self, parsed: ParsedBatch, changed: ChangedDays) -> None:
        """Check what a comparison found, before any of it is loaded."""
        rejected, count = parsed.connection.execute(
            f"select (select count(*) from rejected where resource = '{FILLS.name}'), "
            f"(select count(*) from {FILLS.name}_rows)"
        ).fetchall()[0]
        vanished, share = 0, 0.0
        for resource, days in changed.vanished.items():
            if days >= MINIMUM_DAYS_VANISHED:
                vanished += days
                share = max(share, days / changed.held[resource])
        rejected = rejected if rejected >= MINIMUM_ROWS_REJECTED else 0
        if not (vanished or rejected or changed.rows):
            return
        frame = pd.DataFrame(
            {
                "vanished_share": [share],
                "rejected_share": [rejected / max(rejected + count, 1)],
            }
        )
        found = {"days_vanished": vanished, "rows_rejected": rejected}
        self._parts += 1
        self._check(f"what was read, part {self._parts}", frame, BATCH_CHECKS, found)

    def check_slice(
        self,
        parsed: ParsedBatch,
        first: date,
        last: date,
        warehouse: duckdb.DuckDBPyConnection,
        sessions: pa.Table,
    ) -> None:
        """Check the fills of a slice, and how many each account has."""
        batch = f"fills {first}..{last}"
        scratch = parsed.connection
        scratch.register("sessions", sessions)
        frame = scratch.execute(
            f"""
            with landed as (
                select
                    rows.side, rows.symbol, rows.trade_date, rows.filled_at_et,
                    cast(
                        rows.propreports_id is not null
                        and count(*) over (partition by rows.propreports_id) > 1 as int
                    ) as id_is_repeated,
                    cast(rows.quantity as double) as quantity,
                    cast(rows.price as double) as price,
                    -- Anything but an equity begins with a sign.
                    rows.symbol[1] between 'A' and 'Z' as is_equity
                from fills_rows as rows inner join changes
                    using (account_number, trade_date, origin_number)
                where changes.resource = 'fills' and not changes.is_loaded
                    and changes.trade_date between ? and ?
            ),
            medians as (
                select symbol, trade_date, median(price) as median_price
                from landed group by symbol, trade_date
            )
            select
                side, quantity, price, id_is_repeated,
                case when is_equity and price > 0 then price / median_price end
                    as price_multiple,
                -- Midnight stands for an unknown time.
                case when is_equity and filled_at_et > trade_date
                    then epoch(filled_at_et - trade_date) / 3600.0 end as hour,
                case when count(*) over () >= {MINIMUM_FILLS_OF_ZONE}
                    then hour end as hour_of_many,
                cast(trade_date in (select session_date from sessions) as int)
                    as is_session
            from landed inner join medians using (symbol, trade_date)
            """,
            [first, last],
        ).df()
        if frame.empty:
            return
        self._check(batch, frame, FILL_CHECKS)
        volumes = self._volumes(scratch, warehouse, first, last)
        if not volumes.empty:
            self._check(batch, volumes, VOLUME_CHECKS)

    def check_firm(
        self, warehouse: duckdb.DuckDBPyConnection, sessions: pa.Table
    ) -> None:
        """Check that the firm's fills reach up to the AS_OF date."""
        warehouse.register("sessions", sessions)
        stale, multiple = warehouse.execute(
            f"""
            with current_days as (
                select trade_date, arg_max(rows_count, known_at) as fills_count
                from raw.day_versions where resource = 'fills' and trade_date < $as_of
                group by account_number, trade_date
            ),
            firm_days as (
                select trade_date, sum(fills_count) as fills_count
                from current_days where fills_count > 0 group by trade_date
            ),
            last_days as (
                select * from firm_days order by trade_date desc
                limit {HISTORY_DAYS + 1}
            )
            select
                (select count(*) from sessions where session_date < $as_of
                and session_date > (select max(trade_date) from firm_days)),
                (select case when count(*) > {MINIMUM_HISTORY_DAYS}
                then arg_max(fills_count, trade_date) / median(fills_count) end
                from last_days)
            """,
            {"as_of": self.as_of},
        ).fetchall()[0]
        warehouse.unregister("sessions")
        if stale or (multiple is not None and multiple < LOW_FIRM_VOLUME):
            frame = pd.DataFrame(
                {"stale_sessions": [stale], "last_day_multiple": [multiple]}
            )
            found = {
                "firm_fresh": stale,
                "firm_not_stale": stale,
                "firm_volume_usual": multiple,
            }
            self._check(THE_FIRM, frame, FIRM_CHECKS, found)

    def results_table(self) -> pa.Table:
        """As `RESULTS_SCHEMA`."""
        return pa.Table.from_pylist(self.results, schema=RESULTS_SCHEMA)

    def _volumes(
        self,
        scratch: duckdb.DuckDBPyConnection,
        warehouse: duckdb.DuckDBPyConnection,
        first: date,
        last: date,
    ) -> pd.DataFrame:
        """Fills of each changed account-day against the account's days before."""
        scratch.register(
            "history",
            warehouse.sql(
                """
                select account_number, trade_date, arg_max(rows_count, known_at)
                    as rows_count
                from raw.day_versions
                where resource = 'fills'
                    and trade_date between cast(? as date) - interval 90 day and ?
                group by account_number, trade_date
                """,
                params=[first, last],
            ).to_arrow_table(),
        )
        frame = scratch.execute(
            f"""
            with landed as (
                select account_number, trade_date, rows_count, true as is_new
                from changes where resource = 'fills' and not is_loaded
                    and trade_date between ? and ?
            ),
            days as (
                from landed
                union all by name
                select history.*, false as is_new
                from history anti join landed using (account_number, trade_date)
                where history.rows_count > 0
            ),
            compared as (
                select is_new, rows_count / median(rows_count) over before
                    as fills_multiple, count(*) over before as days_count
                from days
                window before as (
                    partition by account_number order by trade_date
                    rows between {HISTORY_DAYS} preceding and 1 preceding
                )
            )
            select fills_multiple from compared
            where is_new and days_count >= {MINIMUM_HISTORY_DAYS}
            """,
            [first, last],
        ).df()
        scratch.unregister("history")
        return frame

    def _check(
        self,
        batch: str,
        frame: pd.DataFrame,
        checks: tuple[Check, ...],
        found: dict[str, int | float] | None = None,
    ) -> None:
        """Validate a frame.

        Args:
            found: What was counted, by check, where a row of the frame is not a thing
                that is counted; a float is a ratio.

        Raises:
            GateError: A critical check is not met.
        """
        import_library()
        import great_expectations.expectations as expectations
        from great_expectations import ExpectationSuite

        suite = ExpectationSuite(
            name=checks[0].name,
            expectations=[
                getattr(expectations, check.expectation[0])(
                    column=check.column,
                    severity="critical" if check.is_critical else "warning",
                    meta={"check": index},
                    **check.expectation[1],
                )
                for index, check in enumerate(checks)
            ],
        )
        # No value of a row is kept: pages and results count, and name no one.
        validated = (
            self._batches()
            .get_batch({"dataframe": frame})
            .validate(suite, result_format=_COUNTS)
        )
        self.validations.append((batch, validated))
        for result in validated.results:
            expectation = result.expectation_config
            assert expectation is not None, "a result says what it is of"
            check = checks[expectation.meta["check"]]
            count = result.result.get("unexpected_count") or 0
            if found is not None and not result.success:
                count = found[check.name]
            is_ratio = isinstance(count, float)
            amount = f"{count:,.2f}" if is_ratio else f"{count:,}"
            self.results.append(
                {
                    "as_of": self.as_of,
                    "check_name": check.name,
                    "severity": "critical" if check.is_critical else "warning",
                    "batch": batch,
                    "is_met": bool(result.success),
                    "found_count": 1 if is_ratio else int(count),
                    "checked_count": len(frame),
                    "finding": f"{check.finding.format(amount)} ({batch})",
                    "checked_at": self._now,
                }
            )
        failed = [
            result["finding"]
            for result in self.results
            if result["severity"] == "critical" and not result["is_met"]
        ]
        if failed and self._stops:
            raise GateError(
                f"The gate stopped the run: {'; '.join(failed)}. Mend it at the "
                "source, or go on with GATE=warn."
            )

    def _batches(self) -> "BatchDefinition":
        if self._batch_definition is None:
            import great_expectations
            from great_expectations.data_context.types.base import ProgressBarsConfig

            context = great_expectations.get_context(mode="ephemeral")
            context.variables.progress_bars = ProgressBarsConfig(globally=False)
            self._batch_definition = (
                context.data_sources.add_pandas("landing")
                .add_dataframe_asset("batch")
                .add_batch_definition_whole_dataframe("batch")
            )
        return self._batch_definition
