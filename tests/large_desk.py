"""A large desk for benchmarks: fills drawn by hash, straight into Parquet.

Synthetic. Every figure is a hash of the seed and of what it belongs to, so a desk is
the same on every machine, whatever is written first. Traders are mostly flat by night:
about one trip in fifty is carried to the next session. The broker's summaries agree.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.account_ids import give_ids
from ingestion.landing import ACCOUNTS_SCHEMA, empty_tables, open_landing
from runtime.home import Home
from runtime.sessions import next_session, sessions_between, sessions_table
from runtime.warehouse import RunContext

SEED = 7
FIRM = "large desk"
SESSIONS = 500
LAST = date(2025, 12, 18)
FILLS_PER_DAY = 143
CALENDAR_AHEAD = timedelta(days=190)
LOADED = ("fills", "fill_fees", "broker_days", "positions")
_DRAWS = f"""
create or replace macro draw(trader, day, trip, name) as
    hash({SEED}, trader, day, trip, name) / 18446744073709551616.0;
create or replace macro symbol_name(number) as
    chr(cast(65 + number // 676 % 26 as int))
    || chr(cast(65 + number // 26 % 26 as int)) || chr(cast(65 + number % 26 as int));
create or replace macro day_price(symbol_number, day) as
    (10 + 190 * draw(symbol_number, 0, 0, 'base')) * (
        1 + 0.25 * sin(day / 40.0 + symbol_number)
        + 0.02 * (draw(symbol_number, day, 0, 'move') - 0.5)
    );
"""
_TRIPS = """
create or replace temp table trips as
with trader_days as (
    select trader, day_number, trade_date, next_date,
        cast(20 + 40 * draw(trader, day_number, 0, 'trips') as int) as trips_count
    from range($traders) as traders (trader), days
    where draw(trader, day_number, 0, 'works') < 0.92
)
select trader, day_number, trade_date, trip,
    case when is_carried then next_date else trade_date end as closed_date,
    -- What is carried is traded in symbols of its own, so that a day's cash is its P&L.
    case when is_carried then 2000 + 2 * (trader % 500) + day_number % 2
        else (trader * 17 + cast(pow(draw(trader, day_number, trip, 'symbol'), 2) * 30
        as int)) % 2000 end as symbol_number,
    draw(trader, day_number, trip, 'side') < 0.55 as is_long,
    1 + cast(2.2 * pow(draw(trader, day_number, trip, 'in'), 2) as int) as entries,
    1 + cast(2.6 * pow(draw(trader, day_number, trip, 'out'), 1.5) as int) as exits,
    100 * (1 + cast(4 * pow(draw(trader, day_number, trip, 'size'), 3) as int)) as lot,
    cast(21000 * draw(trader, day_number, trip, 'starts') as int) as starts_second,
    cast(-600 * ln(1 - 0.95 * draw(trader, day_number, trip, 'lasts')) as int) + 20
        as lasts_seconds
from (
    select *, unnest(range(trips_count)) as trip,
    from trader_days
) cross join lateral (
    select trip = 0 and draw(trader, day_number, 0, 'carries') < 0.75 as is_carried
)
"""
_RAW = """
create or replace temp table raw_fills as
with legs as (
    select *, unnest(range(entries + exits)) as leg from trips
), placed as (
    select *, leg < entries as is_entry,
        case when leg < entries then trade_date else closed_date end as filled_date,
        case when leg < entries then lot * exits else lot * entries end as units
    from legs
), timed as (
    select *,
        cast(filled_date as timestamp) + interval '9 hours 30 minutes' + to_seconds(
            case when is_entry or closed_date = trade_date
                then starts_second + leg * lasts_seconds // (entries + exits)
                else cast(3000 * draw(trader, day_number, leg, 'next') as int) end
        ) as filled_at_et,
        greatest(round(
            day_price(symbol_number, epoch(filled_date) // 86400)
            * (1 + 0.004 * (
                draw(trader, day_number, trip * 16 + leg, 'price') - 0.5
            )), 2
        ), 0.01) as price
    from placed
)
select
    cast(100000 + trader as varchar) as account_number,
    filled_date as trade_date,
    md5(trader || '|' || filled_date) as content_hash,
    row_number() over (
        partition by trader, filled_date order by filled_at_et, trip, leg
    ) as row_number,
    filled_at_et,
    case when is_long = is_entry then 'B' when is_long then 'S'
        when is_entry then 'T' else 'C' end as side,
    cast(units as decimal(18, 8)) as quantity,
    symbol_name(symbol_number) as symbol,
    cast(price as decimal(18, 8)) as price,
    ['ARCA', 'NSDQ', 'BATS', 'EDGX'][1 + (trip + leg) % 4] as route,
    case when leg % 2 = 0 then 'A' else 'R' end as liquidity,
    strftime(trade_date, '%y%m%d') || '-' || trader || '-' || trip || '-'
        || cast(is_entry as int) as order_id,
    cast(trip * 16 + leg as varchar) as fill_id,
    'USD' as currency,
    'ZZ00000' || symbol_name(symbol_number) || '00' as isin,
    cast(null as varchar) as cusip,
    'REGULAR' as status,
    cast(day_number * 100000000 + trader * 10000 + trip * 16 + leg as varchar)
        as propreports_id,
    cast(round(units * 0.0035, 6) as decimal(18, 8)) as commission,
    case when is_entry = is_long then cast(0 as decimal(18, 8))
        else cast(round(units * price * 0.0000278, 6) as decimal(18, 8)) end as sec_fee,
    symbol_number, closed_date, is_entry
from timed
"""
_EXPORTS = {
    "fills": """
        select account_number, trade_date, content_hash, row_number, filled_at_et,
            side, quantity, symbol, price, route, liquidity, order_id, fill_id,
            currency, isin, cusip, status, propreports_id,
            cast(commission + sec_fee as decimal(18, 8)) as total_fees
        from raw_fills where {in_batch}""",
    "fill_fees": """
        select account_number, trade_date, content_hash, row_number, 'comm' as fee_name,
            commission as amount from raw_fills where {in_batch}
        union all
        select account_number, trade_date, content_hash, row_number, 'sec', sec_fee
        from raw_fills where sec_fee <> 0 and {in_batch}""",
    "positions": """
        select account_number, trade_date,
            md5('held' || account_number || trade_date) as content_hash,
            row_number() over (partition by account_number, trade_date order by symbol)
                as row_number,
            symbol,
            cast(sum(case side when 'B' then quantity else -quantity end)
                as decimal(18, 8)) as quantity,
            cast(round(
                any_value(day_price(symbol_number, epoch(trade_date) // 86400)), 2
            ) as decimal(18, 8)) as close_price
        from raw_fills where is_entry and trade_date < closed_date and {in_batch}
        group by account_number, trade_date, symbol""",
    "broker_days": """
        with amounts as (
            select account_number, closed_date as trade_date, 0 as orders,
                0 as fills, 0 as units, case when side in ('B', 'C') then -1 else 1 end
                * quantity * cast(price as decimal(18, 2)) as gross, 0 as fees
            from raw_fills
            union all
            select account_number, trade_date, 0, 1, quantity, 0, commission + sec_fee
            from raw_fills
            union all
            select account_number, trade_date, count(distinct order_id), 0, 0, 0, 0
            from raw_fills group by account_number, trade_date
        )
        select account_number, trade_date,
            md5('summary' || account_number || trade_date) as content_hash,
            cast(1 as bigint) as row_number, 'Eq' as instrument_type,
            cast(sum(orders) as bigint) as orders_count,
            cast(sum(fills) as bigint) as fills_count,
            cast(sum(units) as decimal(18, 8)) as quantity,
            cast(round(sum(gross), 2) as decimal(18, 8)) as gross_pnl,
            cast(round(sum(fees), 2) as decimal(18, 8)) as total_fees,
            cast(round(sum(gross), 2) - round(sum(fees), 2) as decimal(18, 8))
                as net_pnl
        from amounts where {in_batch}
        group by account_number, trade_date""",
}


_FILLS_CSV = """
select strftime(filled_at_et, '%m/%d/%Y %H:%M:%S') as "Date/Time",
    'LD' || account_number as "Account", side as "B/S",
    cast(quantity as bigint) as "Qty", symbol as "Symbol",
    cast(price as decimal(18, 2)) as "Price", route as "Route", liquidity as "Liq",
    commission as "Comm", sec_fee as "SEC", order_id as "Order Id",
    fill_id as "Fill Id", currency as "Currency", isin as "ISIN", '' as "CUSIP",
    status as "Status", propreports_id as "PropReports Id"
from raw_fills where trade_date = $after
"""


@dataclass(frozen=True)
class LargeDesk:
    """Parquet files of a desk, a folder for each raw table, a file for each month.

    Attributes:
        folder: Where they lie.
        traders: How many, each with one account.
        sessions: Dates of the fills.
    """

    folder: Path
    traders: int
    sessions: tuple[date, ...]

    def files(self, table: str) -> list[Path]:
        """Parquet files of a raw table, in the order of their months."""
        return sorted((self.folder / table).glob("*.parquet"))


def traders_for(fills: int) -> int:
    """How many traders make about so many fills in `SESSIONS` sessions."""
    return max(round(fills / (SESSIONS * FILLS_PER_DAY * 0.92)), 1)


def draw_desk(folder: Path, fills: int, *, sessions: int = SESSIONS) -> LargeDesk:
    """Write about so many fills, of the sessions that end on `LAST`."""
    dates = sessions_between(date(LAST.year - sessions // 250 - 2, 1, 1), LAST)
    desk = LargeDesk(folder, traders_for(fills), tuple(dates[-sessions:]))
    for table in LOADED:
        (folder / table).mkdir(parents=True)
    said = {"traders": desk.traders, "sessions": [str(day) for day in desk.sessions]}
    (folder / "desk.json").write_text(json.dumps(said))
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(_DRAWS)
        for month, numbers in _months(desk.sessions):
            _write_month(connection, desk, month, numbers)
    return desk


def _months(sessions: tuple[date, ...]) -> Iterator[tuple[str, list[int]]]:
    months: dict[str, list[int]] = {}
    for number, day in enumerate(sessions):
        months.setdefault(f"{day:%Y-%m}", []).append(number)
    yield from months.items()


def _write_month(
    connection: duckdb.DuckDBPyConnection,
    desk: LargeDesk,
    month: str,
    numbers: list[int],
) -> None:
    # The session before brings what it left open overnight.
    span = [number for number in (numbers[0] - 1, *numbers) if number >= 0]
    after = next_session(desk.sessions[-1] + timedelta(days=1))
    following = dict(zip(desk.sessions, (*desk.sessions[1:], after), strict=True))
    connection.register(
        "days",
        pa.table(
            {
                "day_number": span,
                "trade_date": pa.array([desk.sessions[n] for n in span], pa.date32()),
                "next_date": pa.array(
                    [following[desk.sessions[n]] for n in span], pa.date32()
                ),
            }
        ),
    )
    connection.execute(_TRIPS, {"traders": desk.traders})
    connection.execute(_RAW)
    first, last = desk.sessions[numbers[0]], desk.sessions[numbers[-1]]
    for table, sql in _EXPORTS.items():
        chosen = sql.format(in_batch=f"trade_date between '{first}' and '{last}'")
        connection.execute(
            f"copy ({chosen} order by trade_date, account_number) "
            f"to '{desk.folder / table / month}.parquet' (format parquet)"
        )


def write_next_day(folder: Path, desk: LargeDesk) -> int:
    """Write the session after a desk's last as PropReports exports; its fills."""
    after = next_session(desk.sessions[-1] + timedelta(days=1))
    longer = LargeDesk(folder / "drawn", desk.traders, (*desk.sessions, after))
    for table in LOADED:
        (longer.folder / table).mkdir(parents=True)
    exports = folder / "exports"
    (exports / "fills").mkdir(parents=True)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(_DRAWS)
        _write_month(connection, longer, "next", [len(desk.sessions)])
        fills = connection.execute(
            f"copy ({_FILLS_CSV}) to '{exports / 'fills' / f'{after}.csv'}' (header)",
            {"after": after},
        ).fetchone()[0]
        accounts = (
            "select 100000 + trader as \"Account Id\", 'LD' || 100000 + trader as "
            f'"Account Name", \'USD\' as "Currency" from range({desk.traders}) as t '
            "(trader)"
        )
        connection.execute(
            f"copy ({accounts}) to '{exports / 'accounts.csv'}' (header)"
        )
    return fills


def load_desk(desk: LargeDesk, home: Home, *, threads: int = 2) -> None:
    """Put a desk into the raw tables of `home`, past ingestion: DuckDB reads them."""
    now = datetime.now(UTC).replace(tzinfo=None)
    as_of = desk.sessions[-1] + timedelta(days=1)
    context = RunContext("files", FIRM, as_of, next_session(as_of))
    with open_landing(home, threads) as landing:
        landing.claim(context.source, context.firm)
        landing.load(
            empty_tables()
            | {
                "accounts": _accounts(desk),
                "sessions": sessions_table(desk.sessions[0], as_of + CALENDAR_AHEAD),
            }
        )
        landing.connection.execute("set memory_limit = '4GB'")
        landing.connection.execute(
            "insert into raw.account_versions select account_number, content_hash, "
            "true, timestamp '1990-01-01', ?, ? from raw.accounts",
            [now, now],
        )
        give_ids(landing.connection, now)
        for table in LOADED:
            for path in desk.files(table):
                landing.connection.execute(
                    f"insert into raw.{table} by name from read_parquet(?)", [str(path)]
                )
        for table in ("fills", "broker_days", "positions"):
            landing.connection.execute(
                "insert into raw.day_versions select ?, account_number, trade_date, "
                "content_hash, count(*), trade_date + interval '36 hours', ?, ? "
                f"from raw.{table} group by all",
                [table, now, now],
            )
        landing.finish(context, [], now)


def desk_in(folder: Path) -> LargeDesk:
    """The desk that `draw_desk` wrote into a folder."""
    said = json.loads((folder / "desk.json").read_text())
    sessions = tuple(date.fromisoformat(day) for day in said["sessions"])
    return LargeDesk(folder, said["traders"], sessions)


def _accounts(desk: LargeDesk) -> pa.Table:
    numbers = [str(100_000 + trader) for trader in range(desk.traders)]
    columns = {
        "account_number": numbers,
        "account_name": [f"LD{number}" for number in numbers],
        "currency": ["USD"] * len(numbers),
        "name_hash": [f"x{number}" for number in numbers],
        "content_hash": numbers,
        "account_code": [f"LD{number}" for number in numbers],
    }
    return pa.table(
        {
            field.name: pa.array(
                columns.get(field.name, [None] * len(numbers)), field.type
            )
            for field in ACCOUNTS_SCHEMA
        }
    )
