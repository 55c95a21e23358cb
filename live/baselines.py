"""Each trader's own normal at this time of day, from sessions that are over.

Read once, as a session begins, from the published copy, and kept beside the journal: a
copy published during the day changes nothing. Nothing of the session itself, or later,
is read, whatever the copy holds.

A day has buckets of `BUCKET_MINUTES` from 18:00 Eastern of the evening before, when
futures begin it, to its own midnight.
"""

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import duckdb
import numpy as np

from live.screen import Usual
from runtime.files import write_atomic
from runtime.sessions import EASTERN

BUCKET_MINUTES = 15
BUCKETS_COUNT = 30 * 60 // BUCKET_MINUTES
_BEGINS_BEFORE = timedelta(hours=6)
# Sessions that the usual, and the paths, are of: about half a year.
PAST_SESSIONS = 120
# With fewer days of their own nothing is usual of a trader.
LEAST_DAYS = 10


def bucket_of(now: datetime, session_date: date) -> int:
    """How many buckets of a session are over at a moment, 0 to `BUCKETS_COUNT`.

    Args:
        now: With a time zone.
    """
    begin = datetime.combine(session_date, time()) - _BEGINS_BEFORE
    since = now.astimezone(EASTERN).replace(tzinfo=None) - begin
    return min(max(int(since / timedelta(minutes=BUCKET_MINUTES)), 0), BUCKETS_COUNT)


@dataclass(frozen=True, eq=False)
class TraderPast:
    """A trader's past days, oldest first.

    Attributes:
        dates: Of the days on which they traded, numpy days.
        trades: Days x buckets: round trips opened from the day's begin to its end.
        fills: The same of fills; quantity of units.
        net: Realized net P&L at the bucket's end, dollars.
        low_so_far: The lowest that it was up to that end, 0 at most.
        low_after: The lowest that it was at that end or later in the day.
    """

    dates: np.ndarray
    trades: np.ndarray
    fills: np.ndarray
    quantity: np.ndarray
    net: np.ndarray
    low_so_far: np.ndarray
    low_after: np.ndarray

    @property
    def lowest(self) -> np.ndarray:
        """The lowest of each day, 0 at most."""
        return self.low_so_far[:, -1]


@dataclass(frozen=True, eq=False)
class Baselines:
    """What is usual of every trader, before a session.

    Attributes:
        past: Of each trader.
        until: The last session that anything was read of; None where nothing was.
        sessions: Dates of the past sessions, numpy days, oldest first.
    """

    past: Mapping[str, TraderPast]
    until: date | None
    sessions: np.ndarray
    _medians: dict[tuple[str, int], tuple[float, float, float | None]] = field(
        default_factory=dict, repr=False
    )

    def usual(
        self, trader_id: str, bucket: int, trades: int, fills: int, quantity: float
    ) -> Usual:
        """A trader's tempo and size now against days at this time.

        Args:
            bucket: As `bucket_of`; figures of the running one count as if it were over.
            trades, fills, quantity: Of today, so far.
        """
        past = self.past.get(trader_id)
        days = 0 if past is None else len(past.dates)
        if past is None or days < LEAST_DAYS:
            return Usual(
                sessions_count=days,
                unknown=f"{days} past days, {LEAST_DAYS} are needed",
            )
        usual_trades, usual_quantity, usual_size = self._medians_of(trader_id, bucket)
        size_ratio = None
        if fills and usual_size:
            size_ratio = quantity / fills / usual_size
        return Usual(
            trades_count=usual_trades,
            quantity=usual_quantity,
            # Of a trader who has usually not begun nothing can be a multiple.
            tempo_ratio=trades / usual_trades if usual_trades >= 1 else None,
            size_ratio=size_ratio,
            sessions_count=days,
        )

    def _medians_of(
        self, trader_id: str, bucket: int
    ) -> tuple[float, float, float | None]:
        """Of trades, of units, and of units per fill where enough days had any."""
        key = trader_id, bucket
        if key not in self._medians:
            past, index = self.past[trader_id], min(bucket, BUCKETS_COUNT - 1)
            has_filled = past.fills[:, index] > 0
            sizes = past.quantity[has_filled, index] / past.fills[has_filled, index]
            self._medians[key] = (
                float(np.median(past.trades[:, index])),
                float(np.median(past.quantity[:, index])),
                float(np.median(sizes)) if len(sizes) >= LEAST_DAYS else None,
            )
        return self._medians[key]


def no_baselines() -> Baselines:
    """Of a desk without a past."""
    return Baselines({}, None, np.array([], dtype="datetime64[D]"))


def read_baselines(
    connection: duckdb.DuckDBPyConnection, session_date: date
) -> Baselines:
    """From marts of whatever day, what is known of sessions before a date.

    Args:
        connection: With the schema `marts`.
    """
    bucket = (
        "cast(least(greatest(epoch(at_et - (cast(trade_date as timestamp) "
        f"- interval 6 hours)) // {60 * BUCKET_MINUTES}, 0), {BUCKETS_COUNT - 1}) "
        "as integer)"
    )
    connection.execute(
        """
        create or replace temp table past_sessions as
        select session_date from marts.dim_sessions where session_date < $1
        order by session_date desc limit $2
        """,
        [session_date, PAST_SESSIONS],
    )
    paths = connection.execute(
        f"""
        with fills as (
            select trader_id, trade_date, filled_at_et as at_et, cumulative_net_pnl,
                day_sequence, quantity
            from marts.fct_fills
            where trade_date >= (select min(session_date) from past_sessions)
                and trade_date < $1 and is_counted and has_fill_time
        )
        select trader_id, trade_date, {bucket} as bucket,
            cast(count(*) as integer) as fills,
            cast(sum(quantity) as double) as quantity,
            cast(max_by(cumulative_net_pnl, day_sequence) as double) as net,
            cast(min(cumulative_net_pnl) as double) as low
        from fills group by all order by trader_id, trade_date, bucket
        """,
        [session_date],
    ).fetchnumpy()
    trades = connection.execute(
        f"""
        with trips as (
            select trader_id, opened_date as trade_date,
                timezone('{EASTERN.key}', timezone('UTC', opened_at)) as at_et
            from marts.fct_round_trips
            where opened_date >= (select min(session_date) from past_sessions)
                and opened_date < $1 and opened_at is not null
        )
        select trader_id, trade_date, {bucket} as bucket,
            cast(count(*) as integer) as trades
        from trips group by all order by trader_id, trade_date, bucket
        """,
        [session_date],
    ).fetchnumpy()
    sessions = connection.execute(
        "select session_date from past_sessions order by session_date"
    ).fetchnumpy()["session_date"]
    return _baselines(paths, trades, np.asarray(sessions, dtype="datetime64[D]"))


def _baselines(
    paths: Mapping[str, Any],
    trades: Mapping[str, Any],
    sessions: np.ndarray,
) -> Baselines:
    traders = np.asarray(paths["trader_id"], dtype=object)
    dates = np.asarray(paths["trade_date"], dtype="datetime64[D]")
    names = np.asarray(trades["trader_id"], dtype=str)
    opened_on = np.asarray(trades["trade_date"], dtype="datetime64[D]")
    buckets = np.asarray(paths["bucket"], dtype=int)
    past = {}
    begins = np.flatnonzero(traders[1:] != traders[:-1]) + 1
    bounds = [0, *begins.tolist(), len(traders)]
    for first, last in zip(bounds[:-1], bounds[1:], strict=True):
        if first == last:
            continue
        trader = str(traders[first])
        days, number = np.unique(dates[first:last], return_inverse=True)
        shape = len(days), BUCKETS_COUNT
        cell = number, buckets[first:last]
        fills, quantity = np.zeros(shape), np.zeros(shape)
        fills[cell] = paths["fills"][first:last]
        quantity[cell] = paths["quantity"][first:last]
        net, low = np.full(shape, np.nan), np.full(shape, np.inf)
        net[cell] = paths["net"][first:last]
        low[cell] = paths["low"][first:last]
        # Until somebody trades again it is what it was.
        last_known = np.maximum.accumulate(
            np.where(np.isnan(net), -1, np.arange(BUCKETS_COUNT)), axis=1
        )
        net = np.where(
            last_known < 0, 0.0, net[np.arange(len(days))[:, None], last_known]
        )
        low_so_far = np.minimum.accumulate(low, axis=1)
        low_later = np.minimum.accumulate(low[:, ::-1], axis=1)[:, ::-1]
        low_later = np.concatenate(
            [low_later[:, 1:], np.full((len(days), 1), np.inf)], axis=1
        )
        opened = np.zeros(shape)
        is_own = slice(
            int(np.searchsorted(names, trader)),
            int(np.searchsorted(names, trader, side="right")),
        )
        at = np.searchsorted(days, opened_on[is_own])
        is_known = (at < len(days)) & (
            days[np.minimum(at, len(days) - 1)] == opened_on[is_own]
        )
        opened[
            at[is_known], np.asarray(trades["bucket"][is_own], dtype=int)[is_known]
        ] = trades["trades"][is_own][is_known]
        past[trader] = TraderPast(
            dates=days,
            trades=opened.cumsum(axis=1).astype(np.float32),
            fills=fills.cumsum(axis=1).astype(np.float32),
            quantity=quantity.cumsum(axis=1).astype(np.float32),
            net=net.astype(np.float32),
            low_so_far=np.minimum(low_so_far, 0.0).astype(np.float32),
            low_after=np.minimum(net, low_later).astype(np.float32),
        )
    until = dates.max().item() if len(dates) else None
    return Baselines(past, until, sessions)


_COLUMNS = ("trades", "fills", "quantity", "net", "low_so_far", "low_after")


def write_baselines(path: Path, baselines: Baselines) -> None:
    """Keep them: arrays only, compressed, nothing that runs when it is read."""
    names = sorted(baselines.past)
    counts = [len(baselines.past[name].dates) for name in names]
    arrays = {
        "sessions": baselines.sessions,
        "until": np.array([baselines.until or "NaT"], dtype="datetime64[D]"),
        "traders": np.array(names, dtype=str),
        "counts": np.array(counts, dtype=int),
        "dates": _joined(
            [baselines.past[name].dates for name in names], "datetime64[D]"
        ),
    }
    for column in _COLUMNS:
        arrays[column] = _joined(
            [getattr(baselines.past[name], column) for name in names], "float32"
        )
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    write_atomic(path, content.getvalue())


def _joined(parts: list[np.ndarray], kind: str) -> np.ndarray:
    return np.concatenate(parts) if parts else np.array([], dtype=kind)


def kept_baselines(path: Path) -> Baselines | None:
    """Those that this session began with; None where none were kept, or not whole."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            ends = np.cumsum(kept["counts"])
            columns = {name: kept[name] for name in ("dates", *_COLUMNS)}
            past = {
                str(name): TraderPast(
                    **{
                        column: values[end - count : end]
                        for column, values in columns.items()
                    }
                )
                for name, count, end in zip(
                    kept["traders"], kept["counts"], ends, strict=True
                )
            }
            return Baselines(past, kept["until"][0].item(), kept["sessions"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
        return None
