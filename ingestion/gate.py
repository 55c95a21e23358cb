"""Checks of a batch before it counts, with Great Expectations.

The library takes seconds to import, so it is imported here and for its pages only
(`ingestion/data_docs.py`), while the source still answers. The results are rows of
`raw.gate_results`, and the report shows what was not met.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from ingestion.documents import fee_name
from ingestion.landing import THE_FIRM
from ingestion.parsed_batch import ParsedBatch
from ingestion.reasons import ReasonCode, place_of
from ingestion.resources import FEE_LABELS, FILLS
from ingestion.session_cutoffs import keep_symbol_cutoffs
from ingestion.time_zones import MINIMUM_GAIN, other_zones
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
# An account that lost this part of the fills of several days was exported by halves.
MAXIMUM_SHARE_LOST = 0.25
# From so many different fills on, a day of which so many repeat is held twice.
MINIMUM_FILLS_REPEATED = 3
SHARE_REPEATED = 2 / 3
# So many days of one or two fills, all doubled, are no partial fills that look alike.
MINIMUM_DAYS_REPEATED = 3
NAMED_ACCOUNTS = 3
MAXIMUM_SHARE_REJECTED = 0.2
MINIMUM_ROWS_REJECTED = 20
# Sessions without any fill of the firm until a run makes no sense any more.
MAXIMUM_STALE_SESSIONS = 5

# Venues pay for liquidity; the rest is charged, and corrected in part at most.
REBATES = ("ecn fee", "misc", "acc")
COSTS = {fee_name(label) for label in FEE_LABELS if label not in REBATES}

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
CONCERNS_SCHEMA = pa.schema(
    {
        "as_of": pa.date32(),
        "check_name": pa.string(),
        "batch": pa.string(),
        "resource": pa.string(),
        "account_number": pa.string(),
        "trade_date": pa.date32(),
        "content_hash": pa.string(),
        "rows_count": pa.int64(),
    }
)
_VERSION = ["resource", "account_number", "trade_date", "content_hash", "rows_count"]


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
        "{} fills carry a PropReports Id that a fill of another account carries, too",
    ),
    Check(
        "ids_counted_once",
        "id_is_doubled",
        ("ExpectColumnValuesToBeInSet", {"value_set": [0]}),
        "{} fills carry a PropReports Id that another fill of their account carries, "
        "too: were exports of before and after a correction put into one file?",
        is_critical=True,
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
        "times_not_of_another_zone",
        "zone_gain",
        _between(None, MINIMUM_GAIN),
        "{} equity fills set in at the opening of another time zone, not at 09:30: are "
        "the times Eastern?",
        is_critical=True,
    ),
    Check(
        "accounts_in_one_zone",
        "account_zone_gain",
        _between(None, MINIMUM_GAIN),
        "{} equity fills, those of some accounts, set in at the opening of another "
        "time zone, not at 09:30: are their times Eastern?",
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
FEE_CHECKS = (
    Check(
        "fees_not_negative",
        "lowest_fee",
        _between(0, None),
        "{} account-days are paid for by a commission or a fee that is a cost: its sum "
        "of the day is below zero",
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
LOST_CHECKS = (
    Check(
        "fills_lost",
        "is_lost",
        _between(None, 0),
        "{} account-days hold fewer fills than they did",
    ),
    Check(
        "fills_lost_by_halves",
        "is_lost_by_halves",
        _between(None, 0),
        f"{{}} account-days of accounts that lost over {MAXIMUM_SHARE_LOST:.0%} of "
        "the fills of several days: has the export left some out?",
        is_critical=True,
    ),
)
REPEATED_CHECKS = (
    Check(
        "fills_repeated_in_blocks",
        "is_repeated",
        _between(None, 0),
        "{} account-days hold most of their fills, which have no id, several times: "
        "were two exports put into one file?",
        is_critical=True,
    ),
    Check(
        "fills_repeated",
        "may_be_repeated",
        _between(None, 0),
        "{} account-days hold each of their few fills, which have no id, several times",
    ),
)
FILES_CHECKS = (
    Check(
        "files_reach",
        "files_short",
        _between(None, 0),
        "{} accounts have files that end before what is known of them, or none: their "
        "days are kept as they were, and later ones are unknown; export them again",
    ),
    Check(
        "rows_repeated",
        "rows_repeated",
        _between(None, 0),
        "{} rows repeat another of their file to the letter and count once; "
        "raw.quarantine names them",
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


def _add_zones(frame: pd.DataFrame, parsed: ParsedBatch) -> dict[str, str]:
    """Add how much likelier the times are in another zone, of all and by account.

    Returns:
        By check that stops the run, which zone it is and a document of it.
    """
    frame["zone_gain"] = frame["account_zone_gain"] = np.nan
    is_timed = frame["hour"].notna()
    all_fills, by_account = other_zones(
        frame["account_number"], frame["trade_date"], frame["hour"]
    )
    first_places = {}
    if all_fills:
        frame.loc[is_timed, "zone_gain"] = all_fills.gain
        origin = parsed.document(int(frame["origin_number"].iloc[0])).origin
        first_places["times_not_of_another_zone"] = (
            f" They look like {all_fills.name}; the first are of {origin}"
        )
    for account, zone in by_account.items():
        is_of_account = is_timed & (frame["account_number"] == account)
        frame.loc[is_of_account, "account_zone_gain"] = zone.gain
    return first_places


def _negative_fees(parsed: ParsedBatch, first: date, last: date) -> pd.DataFrame:
    """The lowest sum of a fee that is a cost, of account-days with one below zero."""
    costs = [name for name in parsed.fees if name in COSTS]
    if not costs:
        return pd.DataFrame()
    sums = ", ".join(f"coalesce(sum(rows.fee_{name}), 0)" for name in costs)
    return parsed.connection.execute(
        f"""
        select rows.account_number, rows.trade_date, changes.content_hash,
            changes.rows_count, least({sums}, 0) as lowest_fee
        from fills_rows as rows inner join changes
            using (account_number, trade_date, origin_number)
        where changes.resource = 'fills' and not changes.is_loaded
            and changes.trade_date between ? and ?
            and coalesce(upper(rows.status), '') <> 'CXLD'
        group by all
        having lowest_fee < 0
        """,
        [first, last],
    ).df()


def _first_rejected(parsed: ParsedBatch) -> str:
    first = parsed.connection.execute(
        "select origin, line_number, column_name, cell, reason from rejected "
        f"where resource = '{FILLS.name}' order by origin, line_number limit 1"
    ).fetchall()[0]
    return f"; the first is {place_of(*first)}"


class Gate:
    """Checks the batches of one run and keeps the results.

    Args:
        as_of: The morning of the run.
        stops: Whether a critical check that is not met raises.
        now: Naive UTC.
        cutoffs: What the desk says of sessions (`told_cutoffs`).
    """

    def __init__(
        self, *, as_of: date, stops: bool, now: datetime, cutoffs: pa.Table
    ) -> None:
        self.as_of = as_of
        self._stops = stops
        self._now = now
        self._cutoffs = cutoffs
        self._batch_definition: BatchDefinition | None = None
        self._parts = 0
        self.results: list[dict[str, Any]] = []
        # Of the whole firm, and made in this load, whether or not something was found.
        self.firm_checks: set[str] = set()
        self._concerns: list[pd.DataFrame] = []
        self.validations: list[tuple[str, ExpectationSuiteValidationResult]] = []

    def check_comparison(self, parsed: ParsedBatch, changed: ChangedDays) -> None:
        """Check what a comparison found, before any of it is loaded."""
        self._check_shares(parsed, changed)
        self._check_lost(parsed)

    def _check_shares(self, parsed: ParsedBatch, changed: ChangedDays) -> None:
        """Check how much of what was read vanished or cannot be read."""
        rejected, count = parsed.connection.execute(
            f"select (select count(*) from rejected where resource = '{FILLS.name}' "
            f"and reason_code <> '{ReasonCode.REPEATED}'), "
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
        concerned = parsed.connection.execute(
            f"select {', '.join(_VERSION)} from changes "
            "where rows_count = 0 and moved_count is null and resource = any(?)",
            [
                [
                    name
                    for name, days in changed.vanished.items()
                    if days >= MINIMUM_DAYS_VANISHED
                ]
            ],
        ).df()
        self._check(
            f"what was read, part {self._parts}",
            frame,
            BATCH_CHECKS,
            found,
            concerned={"days_vanished": concerned},
            first_places={"rows_rejected": _first_rejected(parsed)} if rejected else {},
        )

    def _check_lost(self, parsed: ParsedBatch) -> None:
        """Check accounts that lost more fills than a broker busts without a word."""
        frame = parsed.connection.execute(
            f"""
            select account_number, trade_date, content_hash, rows_count,
                cast(
                    count(*) over of_account >= {MINIMUM_DAYS_VANISHED}
                    and sum(lost_count) over of_account
                    >= {MAXIMUM_SHARE_LOST} * sum(held_count) over of_account as int
                ) as is_lost_by_halves,
                1 - is_lost_by_halves as is_lost
            from lost_days window of_account as (partition by account_number)
            """
        ).df()
        if frame.empty:
            return
        said = _column(
            parsed.connection,
            """
            select format(
                'account {} lost {:,} of {:,}, {} to {}', account_number,
                cast(sum(lost_count) as bigint), cast(sum(held_count) as bigint),
                min(trade_date), max(trade_date)
            ) from lost_days group by account_number order by account_number
            """,
        )
        span = "select min(trade_date) || '..' || max(trade_date) from lost_days"
        batch = f"fills lost {_column(parsed.connection, span)[0]}"
        self._check(batch, frame, LOST_CHECKS, said=said)

    def check_files(
        self,
        parsed: ParsedBatch,
        warehouse: duckdb.DuckDBPyConnection,
        accounts: list[dict[str, Any]],
    ) -> None:
        """Check that the files reach as far as what is known, and hold nothing twice.

        Args:
            accounts: The list, columns as declared.
        """
        self.firm_checks |= {check.name for check in FILES_CHECKS}
        scratch = parsed.connection
        listed = pa.Table.from_pylist(
            [
                {key: row[key] for key in ("account_number", "last_traded_date")}
                for row in accounts
            ],
            schema=pa.schema(
                {"account_number": pa.string(), "last_traded_date": pa.date32()}
            ),
        )
        held = warehouse.sql(
            "select account_number, max(trade_date) as held_until from ("
            "select account_number, trade_date, "
            "arg_max(rows_count, known_at) as rows_count from raw.day_versions "
            f"where resource = '{FILLS.name}' group by all"
            ") where rows_count > 0 group by account_number"
        ).to_arrow_table()
        scratch.register("listed_dates", listed)
        scratch.register("held_dates", held)
        scratch.execute(
            """
            create or replace temp table short_files as
            select resource, account_number,
                reached_date as trade_date, held_until as known_until,
                null as content_hash, null as rows_count
            from unreached
            union all by name
            -- The list knows of a later day than any file.
            select 'fills' as resource, account_number, held_until as trade_date,
                last_traded_date as known_until
            from listed_dates left join held_dates using (account_number)
            where last_traded_date < ?
                and last_traded_date > coalesce(held_until, date '1900-01-01')
                and last_traded_date >= (select min(trade_date) from days)
                and account_number not in (
                    select account_number from unreached where resource = 'fills'
                )
            """,
            [self.as_of],
        )
        scratch.unregister("listed_dates")
        scratch.unregister("held_dates")
        count, notional = scratch.execute(
            "select count(*), coalesce(sum(notional), 0) from repeated"
        ).fetchall()[0]
        said = _column(
            scratch,
            "select 'account ' || account_number || ': ' || resource || "
            "coalesce(' end ' || trade_date, ' did not arrive') || "
            "', known until ' || known_until from short_files "
            "order by account_number, resource",
        )
        if not (said or count):
            return
        frame = pd.DataFrame({"files_short": [len(said)], "rows_repeated": [count]})
        concerned = scratch.execute(
            f"select {', '.join(_VERSION)} from short_files"
        ).df()
        self._check(
            THE_FIRM,
            frame,
            FILES_CHECKS,
            {"files_reach": len(said), "rows_repeated": count},
            concerned={"files_reach": concerned},
            said={"files_reach": said, "rows_repeated": [f"${notional:,.2f} in all"]},
        )

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
        keep_symbol_cutoffs(scratch, self._cutoffs)
        frame = scratch.execute(
            f"""
            with landed as (
                select
                    rows.side, rows.symbol, rows.trade_date, rows.filled_at_et,
                    changes.rowid as change_number,
                    rows.account_number, rows.origin_number,
                    -- A firm without ids may write 0.
                    nullif(rows.propreports_id, '0') as number,
                    cast(
                        number is not null and min(rows.account_number) over same_id
                            < max(rows.account_number) over same_id as int
                    ) as id_is_repeated,
                    cast(
                        number is not null and count(*) over (
                            partition by number, rows.account_number
                        ) > 1 as int
                    ) as id_is_doubled,
                    cast(rows.quantity as double) as quantity,
                    cast(rows.price as double) as price,
                    -- Anything but an equity begins with a sign.
                    rows.symbol[1] between 'A' and 'Z' as is_equity
                from fills_rows as rows inner join changes
                    using (account_number, trade_date, origin_number)
                where changes.resource = 'fills' and not changes.is_loaded
                    and changes.trade_date between ? and ?
                window same_id as (partition by number)
            ),
            medians as (
                select symbol, trade_date, median(price) as median_price
                from landed group by symbol, trade_date
            )
            select
                change_number, side, quantity, price, id_is_repeated, id_is_doubled,
                trade_date, account_number, origin_number,
                case when is_equity and price > 0 then price / median_price end
                    as price_multiple,
                -- Midnight stands for an unknown time. What trades in sessions does so
                -- from the cut-off until the day begins, too.
                epoch(filled_at_et - trade_date) / 3600.0 as hour_of_day,
                case when is_equity and hour_of_day > 0 and (
                    cutoff_hour is null
                    or hour_of_day >= {DAY_BEGINS} and hour_of_day < cutoff_hour
                ) then hour_of_day end as hour,
                case when count(*) over () >= {MINIMUM_FILLS_OF_ZONE}
                    then hour end as hour_of_many,
                cast(
                    cutoff_hour is not null
                    or trade_date in (select session_date from sessions) as int
                ) as is_session
            from landed inner join medians using (symbol, trade_date)
                left join symbol_cutoffs using (symbol, trade_date)
            """,
            [first, last],
        ).df()
        if frame.empty:
            return
        first_places = _add_zones(frame, parsed)
        days = scratch.execute(
            "select rowid as change_number, resource, account_number, trade_date, "
            "content_hash, rows_count from changes where resource = 'fills'"
        ).df()
        self._check(
            batch,
            frame,
            FILL_CHECKS,
            days=days.set_index("change_number"),
            first_places=first_places,
        )
        repeated = self._repeated(scratch, first, last)
        if not repeated.empty:
            self._check(batch, repeated, REPEATED_CHECKS)
        fees = _negative_fees(parsed, first, last)
        if not fees.empty:
            self._check(batch, fees, FEE_CHECKS)
        volumes = self._volumes(scratch, warehouse, first, last)
        if not volumes.empty:
            self._check(batch, volumes, VOLUME_CHECKS)

    def check_firm(
        self, warehouse: duckdb.DuckDBPyConnection, sessions: pa.Table
    ) -> None:
        """Check that the firm's fills reach up to the AS_OF date."""
        self.firm_checks |= {check.name for check in FIRM_CHECKS}
        warehouse.register("sessions", sessions)
        stale, multiple, last_day, fills_count = warehouse.execute(
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
                from last_days),
                (select max(trade_date) from last_days),
                (select arg_max(fills_count, trade_date) from last_days)
            """,
            {"as_of": self.as_of},
        ).fetchall()[0]
        warehouse.unregister("sessions")
        if stale or (multiple is not None and multiple < LOW_FIRM_VOLUME):
            frame = pd.DataFrame(
                {"stale_sessions": [stale], "last_day_multiple": [multiple]}
            )
            # Of the firm's day: it stands until more fills of that date have come.
            concerned = pd.DataFrame(
                {
                    "resource": [FILLS.name],
                    "account_number": [None],
                    "trade_date": [last_day],
                    "content_hash": [None],
                    "rows_count": [fills_count],
                }
            )
            found = {
                "firm_fresh": stale,
                "firm_not_stale": stale,
                "firm_volume_usual": multiple,
            }
            self._check(
                THE_FIRM,
                frame,
                FIRM_CHECKS,
                found,
                concerned={"firm_volume_usual": concerned},
            )

    def results_table(self) -> pa.Table:
        """As `RESULTS_SCHEMA`."""
        return pa.Table.from_pylist(self.results, schema=RESULTS_SCHEMA)

    def concerns_table(self) -> pa.Table:
        """As `CONCERNS_SCHEMA`: the day versions that unmet checks concern."""
        tables = [
            pa.Table.from_pandas(
                frame[CONCERNS_SCHEMA.names], CONCERNS_SCHEMA, preserve_index=False
            )
            for frame in self._concerns
        ]
        return pa.concat_tables([CONCERNS_SCHEMA.empty_table(), *tables])

    def _repeated(
        self, scratch: duckdb.DuckDBPyConnection, first: date, last: date
    ) -> pd.DataFrame:
        """Account-days of which most fills, or all of the few, stand several times.

        So does a day that holds what an earlier version of it held, several times.
        """
        return scratch.execute(
            f"""
            with copies as (
                select account_number, trade_date, changes.content_hash,
                    changes.rows_count, row_hash, count(*) as copies_count
                from fills_rows inner join changes
                    using (account_number, trade_date, origin_number)
                where changes.resource = 'fills' and not changes.is_loaded
                    and changes.trade_date between ? and ?
                group by all
            ),
            days as (
                select account_number, trade_date, content_hash, rows_count,
                    count(*) as different_count,
                    -- What stood twice before stands four times in two exports.
                    greatest(
                        count(*) filter (copies_count % 2 = 0),
                        count(*) filter (copies_count % 3 = 0),
                        count(*) filter (copies_count % 5 = 0)
                    ) as repeated_count,
                    sum(copies_count * row_hash::hugeint) as hashes_sum
                from copies group by all
            ),
            -- A part of the day, hashed as a day is, makes a version that was held.
            multiples as (
                select distinct account_number, trade_date
                from days inner join held using (account_number, trade_date)
                where held.resource = 'fills'
                    and held.rows_count between 1 and days.rows_count / 2
                    and days.rows_count % held.rows_count = 0
                    and held.content_hash = md5(
                        held.rows_count || ':' || hashes_sum
                        // (days.rows_count // held.rows_count)
                    )
            ),
            -- Days of one or two fills tell something together only.
            accounts as (
                select *, sum(different_count) over small as pooled_count,
                    sum(repeated_count) over small as pooled_repeated_count,
                    count(*) over small as pooled_days_count
                from days
                window small as (
                    partition by account_number,
                    different_count < {MINIMUM_FILLS_REPEATED}
                )
            ),
            weighed as (
                select *,
                    case when (account_number, trade_date) in (from multiples)
                        then true
                        when different_count >= {MINIMUM_FILLS_REPEATED}
                        then repeated_count >= greatest(
                            {MINIMUM_FILLS_REPEATED},
                            {SHARE_REPEATED} * different_count
                        )
                        else repeated_count = different_count
                        and (
                            pooled_count >= 2 * {MINIMUM_FILLS_REPEATED}
                            and pooled_repeated_count
                            >= {SHARE_REPEATED} * pooled_count
                            or pooled_days_count >= {MINIMUM_DAYS_REPEATED}
                            and pooled_repeated_count = pooled_count
                        )
                    end as is_block
                from accounts
            )
            select account_number, trade_date, content_hash, rows_count,
                cast(is_block as int) as is_repeated,
                cast(
                    not is_block and repeated_count = different_count
                    -- Two partial fills of a day may well be alike.
                    and (
                        different_count > 1
                        or pooled_days_count > 1
                        and pooled_repeated_count = pooled_count
                    ) as int
                ) as may_be_repeated
            from weighed where is_repeated + may_be_repeated > 0
            """,
            [first, last],
        ).df()

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
                select account_number, trade_date, rows_count, content_hash,
                    true as is_new
                from changes where resource = 'fills' and not is_loaded
                    and trade_date between ? and ?
            ),
            days as (
                from landed
                union all by name
                select history.*, null as content_hash, false as is_new
                from history anti join landed using (account_number, trade_date)
                where history.rows_count > 0
            ),
            compared as (
                select account_number, trade_date, content_hash, rows_count, is_new,
                    rows_count / median(rows_count) over before
                    as fills_multiple, count(*) over before as days_count
                from days
                window before as (
                    partition by account_number order by trade_date
                    rows between {HISTORY_DAYS} preceding and 1 preceding
                )
            )
            select account_number, trade_date, content_hash, rows_count,
                fills_multiple
            from compared
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
        *,
        concerned: dict[str, pd.DataFrame] | None = None,
        days: pd.DataFrame | None = None,
        said: Sequence[str] | dict[str, list[str]] = (),
        first_places: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Validate a frame.

        Args:
            found: What was counted, by check, where a row of the frame is not a thing
                that is counted; a float is a ratio.
            concerned: By check, the day versions that it concerns; None: those of
                the frame's rows that are not as expected.
            days: The day versions by change_number, where the frame has only that.
            said: Where it is, of all checks or by check; the first few are shown.
            first_places: By check, the first place that is wrong: for the person who
                is to fix it, not for pages and marts.

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
        checked = frame[list(dict.fromkeys(check.column for check in checks))]
        validated = (
            self._batches()
            .get_batch({"dataframe": checked})
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
            if not result.success:
                if concerned is None:
                    versions = frame[is_unexpected(check, frame[check.column])]
                    if days is not None:
                        versions = days.loc[versions["change_number"].unique()]
                    versions = versions.assign(resource=FILLS.name)
                else:
                    versions = concerned.get(check.name, pd.DataFrame(columns=_VERSION))
                self._concerns.append(
                    versions[_VERSION]
                    .drop_duplicates()
                    .assign(as_of=self.as_of, check_name=check.name, batch=batch)
                )
            places = said.get(check.name, ()) if isinstance(said, dict) else said
            places = () if result.success else places
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
                    "finding": check.finding.format(amount)
                    + _first_few(places)
                    + f" ({batch})",
                    "checked_at": self._now,
                }
            )
        failed = [
            result["finding"] + first_places.get(result["check_name"], "")
            for result in self.results
            if result["severity"] == "critical" and not result["is_met"]
        ]
        if failed and self._stops:
            raise GateError(
                f"The gate stopped the run: {'; '.join(failed)}. Fix it at the "
                "source, or run with GATE=warn."
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


def is_unexpected(check: Check, values: "pd.Series[Any]") -> "pd.Series[bool]":
    """Which values the expectation counts as not met: it says how many, not which."""
    limits: dict[str, Any] = check.expectation[1]
    if "value_set" in limits:
        return ~values.isin(limits["value_set"]) & values.notna()
    odd = pd.Series(data=False, index=values.index)
    if (minimum := limits["min_value"]) is not None:
        odd |= values <= minimum if limits.get("strict_min") else values < minimum
    if (maximum := limits["max_value"]) is not None:
        odd |= values > maximum
    return odd


def _column(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return [value for (value,) in connection.execute(sql).fetchall()]


def _first_few(places: Sequence[str]) -> str:
    if not places:
        return ""
    more = len(places) - NAMED_ACCOUNTS
    shown = "; ".join(places[:NAMED_ACCOUNTS])
    return f": {shown}" + (f" and {more} more" if more > 0 else "")
