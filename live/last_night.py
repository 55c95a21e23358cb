"""Reads what a session begins with: the published copy, and the desk's files.

Never the warehouse: a morning may be writing it. What is missing or old is said, and
the day begins with what there is.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import duckdb

from ingestion.desk_files import LIMIT_RULES, SEEDS, read_desk
from live.figures import OpeningState, ScopeType
from live.opening import (
    AccountInfo,
    Cutoff,
    InstrumentLine,
    LimitInForce,
    Opening,
    OpeningLot,
)
from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import open_published, published_home
from runtime.sessions import EASTERN, next_session, previous_session, sessions_between
from runtime.settings import Settings
from runtime.warehouse import rows_of

# Sessions that fees are estimated from.
FEE_SESSIONS = 20
# When futures reopen: from then on it is the next session.
_EVENING = time(18)
# Rules that look back beyond the session, and the days that their use holds for.
_DAY, _WEEK, _MONTH = "daily_loss", "weekly_loss", "monthly_loss"
_FOR_EVER = ("drawdown", "losing_streak")
_Lines = Mapping[str, list[dict[str, str]]]
_Limits = dict[tuple[ScopeType, str, str], tuple[Decimal, Decimal | None]]


def session_at(now: datetime) -> date:
    """The session that runs, or comes next: from 18:00 Eastern on tomorrow's."""
    local = now.astimezone(EASTERN)
    return next_session(local.date() + timedelta(days=local.time() >= _EVENING))


def read_opening(settings: Settings, home: Home, session_date: date) -> Opening:
    """All that is known before the first report of a session.

    Raises:
        UserError: A file of the desk is wrong.
    """
    lines = desk_lines(settings, home)
    try:
        with open_published(published_home(settings, home)) as connection:
            return opening_of(connection, session_date, lines)
    except UserError as error:
        return _with_lines(session_date, lines, _nothing(session_date, lines, error))


def opening_of(
    connection: duckdb.DuckDBPyConnection, session_date: date, lines: _Lines
) -> Opening:
    """The opening, from marts of whatever day; those of the session are not read.

    Args:
        connection: With the schema `marts`.
        lines: Of the desk's files, by file and column.
    """
    state = _state(connection, session_date)
    lots, costs, marks = _positions(connection, session_date)
    return _with_lines(
        session_date,
        lines,
        Opening(
            state=state,
            lots=lots,
            accounts=_accounts(connection, session_date),
            limits=_limits(connection, session_date, lines),
            marks=marks,
            own_prices=_own_prices(connection, session_date),
            open_costs=costs,
            fee_rates=_fee_rates(connection, session_date),
        ),
    )


def _nothing(session_date: date, lines: _Lines, error: UserError) -> Opening:
    state = OpeningState(
        session_date,
        None,
        None,
        True,
        (f"Nothing of last night is known: every position begins at 0. {error}",),
    )
    limits = tuple(
        LimitInForce(*key, value, share, Decimal(0) if key[2] == _DAY else None)
        for key, (value, share) in sorted(_told_limits(session_date, lines).items())
    )
    return Opening(state=state, limits=limits)


def _state(connection: duckdb.DuckDBPyConnection, session_date: date) -> OpeningState:
    ((as_of, published_at),) = connection.execute(
        "select as_of_date, published_at from marts.published_at"
    ).fetchall()
    held_on = previous_session(min(as_of, session_date))
    before = previous_session(session_date)
    problems: tuple[str, ...] = ()
    if held_on < before:
        problems = (
            f"Positions are of {held_on}, not of {before}: the morning's run is "
            "missing or still running. Run `make daily`.",
        )
    return OpeningState(
        session_date,
        held_on,
        published_at.replace(tzinfo=UTC),
        held_on < before,
        problems,
    )


def _positions(
    connection: duckdb.DuckDBPyConnection, session_date: date
) -> tuple[
    tuple[OpeningLot, ...],
    dict[tuple[str, str], Decimal],
    dict[str, tuple[Decimal, int]],
]:
    """Lots in the order in which they close; cost of each position; marks by symbol."""
    found = rows_of(
        connection,
        """
        with held as (
            select account_id, symbol, currency, local_open_cost, close_price,
                mark_age_sessions_count
            from marts.fct_open_positions where trade_date < $1
            qualify trade_date = max(trade_date) over (partition by account_id, symbol)
        )
        select lots.account_id, lots.symbol, lots.opening_sequence, lots.opening_price,
            lots.multiplier, lots.opened_date,
            sum(lots.signed_quantity) as signed_quantity,
            any_value(held.currency) as currency,
            any_value(held.local_open_cost) as local_open_cost,
            any_value(held.close_price) as close_price,
            any_value(held.mark_age_sessions_count) as mark_age
        from marts.fct_lots as lots
        left join held using (account_id, symbol)
        where opened_date < $1 and (closed_date is null or closed_date >= $1)
        group by all
        order by lots.account_id, lots.symbol, lots.opening_sequence
        """,
        [session_date],
    )
    lots, costs, marks = [], {}, {}
    for one in found:
        key = one["account_id"], one["symbol"]
        lots.append(
            OpeningLot(
                *key,
                one["signed_quantity"],
                one["opening_price"],
                one["multiplier"],
                one["currency"],
                one["opened_date"],
            )
        )
        if one["local_open_cost"] is not None:
            costs[key] = one["local_open_cost"]
        if one["close_price"] is not None:
            marks[one["symbol"]] = one["close_price"], one["mark_age"]
    return tuple(lots), costs, marks


def _accounts(
    connection: duckdb.DuckDBPyConnection, session_date: date
) -> dict[str, AccountInfo]:
    found = rows_of(
        connection,
        """
        select account_id, accounts.trader_id, trader_group, strategy,
            coalesce(currency, 'USD') as currency, is_in_desk_total
        from marts.dim_accounts as accounts
        left join marts.dim_traders as traders on accounts.trader_id = traders.trader_id
            and $1 >= traders.valid_from and $1 < traders.valid_to
        where $1 >= accounts.valid_from and $1 < accounts.valid_to
        order by account_id
        """,
        [session_date],
    )
    return {one["account_id"]: AccountInfo(**one) for one in found}


def _own_prices(
    connection: duckdb.DuckDBPyConnection, session_date: date
) -> dict[tuple[str, str], Decimal]:
    """The last price at which an account traded what it holds."""
    found = connection.execute(
        """
        with held as (
            select distinct account_id, symbol from marts.fct_lots
            where opened_date < $1 and (closed_date is null or closed_date >= $1)
        )
        select account_id, symbol, max_by(price, fill_sequence)
        from marts.fct_fills semi join held using (account_id, symbol)
        where trade_date < $1 and is_counted and price <> 0
        group by account_id, symbol
        """,
        [session_date],
    ).fetchall()
    return {(account_id, symbol): price for account_id, symbol, price in found}


def _fee_rates(
    connection: duckdb.DuckDBPyConnection, session_date: date
) -> dict[tuple[str | None, str], Decimal]:
    """What a unit cost lately, by account and type, and of the desk by type."""
    found = connection.execute(
        """
        with recent as (
            select min(session_date) as since from (
                select session_date from marts.dim_sessions where session_date < $1
                order by session_date desc limit $2
            )
        )
        select account_id, instrument_type,
            cast(sum(total_fees) as double) / cast(sum(quantity) as double)
        from marts.fct_fills, recent
        where trade_date >= since and trade_date < $1 and is_counted and is_regular
        group by grouping sets ((account_id, instrument_type), (instrument_type))
        having sum(quantity) > 0 and sum(total_fees) is not null
        """,
        [session_date, FEE_SESSIONS],
    ).fetchall()
    return {
        (account_id, kind): Decimal(f"{rate:.8f}") for account_id, kind, rate in found
    }


def _limits(
    connection: duckdb.DuckDBPyConnection, session_date: date, lines: _Lines
) -> tuple[LimitInForce, ...]:
    """What limits.csv and traders.csv say on the date, and what was used before it."""
    limits = _told_limits(session_date, lines)
    for trader, value in connection.execute(
        """
        select trader_id, daily_loss_limit_amount from marts.dim_traders
        where $1 >= valid_from and $1 < valid_to
            and daily_loss_limit_amount is not null
        """,
        [session_date],
    ).fetchall():
        share = limits.get(("trader", trader, _DAY), (value, None))[1]
        limits["trader", trader, _DAY] = value, share
    used = {
        (one["scope_type"], one["scope_name"], one["rule"]): one
        for one in rows_of(
            connection,
            """
            select scope_type, scope_name, rule, trade_date, used_value
            from marts.fct_limit_use where trade_date < $1
            qualify trade_date = max(trade_date)
                over (partition by scope_type, scope_name, rule)
            """,
            [session_date],
        )
    }
    begins = {
        _WEEK: session_date - timedelta(days=session_date.weekday()),
        _MONTH: session_date.replace(day=1),
    }
    losses = {
        rule: _losses(connection, since, session_date) for rule, since in begins.items()
    }

    def used_before(kind: ScopeType, name: str, rule: str) -> Decimal | None:
        last = used.get((kind, name, rule))
        if rule in _FOR_EVER:
            return last["used_value"] if last else Decimal(0)
        if rule not in begins:
            return Decimal(0)
        if last and last["trade_date"] >= begins[rule] and last["used_value"] is None:
            return None
        return losses[rule].get((kind, name), Decimal(0))

    return tuple(
        LimitInForce(*key, value, share, used_before(*key))
        for key, (value, share) in sorted(limits.items())
    )


def _losses(
    connection: duckdb.DuckDBPyConnection, since: date, before: date
) -> dict[tuple[str, str], Decimal | None]:
    """What each scope lost in a period so far, below 0 where it gained."""
    found = connection.execute(
        """
        with days as (
            select days.*, trader_group, strategy
            from marts.daily_totals as days
            left join marts.dim_traders as traders on days.trader_id = traders.trader_id
                and trade_date >= traders.valid_from and trade_date < traders.valid_to
            where trade_date >= $1 and trade_date < $2
        ),
        scoped as (
            select 'account' as scope_type, account_id as scope_name, net_pnl from days
            union all
            select 'trader', trader_id, net_pnl from days where is_in_desk_total
            union all
            select 'trader_group', trader_group, net_pnl from days
            where is_in_desk_total and trader_group is not null
            union all
            select 'strategy', strategy, net_pnl from days
            where is_in_desk_total and strategy is not null
            union all
            select 'desk', 'desk', net_pnl from days where is_in_desk_total
        )
        select scope_type, scope_name,
            case when count(*) = count(net_pnl) then -sum(net_pnl) end
        from scoped group by all
        """,
        [since, before],
    ).fetchall()
    return {(kind, name): amount for kind, name, amount in found}


def _told_limits(session_date: date, lines: _Lines) -> _Limits:
    """What limits.csv says on the date: value, and warning share."""
    limits: _Limits = {}
    for (kind, name), line in _lines_in_force(lines, session_date).items():
        for rule in LIMIT_RULES:
            value = _value_of(line, rule)
            if value is not None:
                share = line.get("warning_share")
                limits[kind, name, rule] = value, Decimal(share) if share else None
    return limits


def _lines_in_force(
    lines: _Lines, session_date: date
) -> dict[tuple[ScopeType, str], dict[str, str]]:
    """Of each scope its latest line, which replaces an earlier one whole."""
    names: tuple[ScopeType, ...] = ("account", "trader", "trader_group", "strategy")
    found: dict[tuple[ScopeType, str], dict[str, str]] = {}
    for line in sorted(
        lines.get("limits", ()), key=lambda one: one.get("valid_from") or ""
    ):
        if _since(line) <= session_date:
            scope: tuple[ScopeType, str] = ("desk", "desk")
            for name in names:
                if line.get(name):
                    scope = name, line[name]
            found[scope] = line
    return found


def _value_of(line: Mapping[str, str], rule: str) -> Decimal | None:
    for unit in ("amount", "days", "quantity", "count"):
        if cell := line.get(f"{rule}_limit_{unit}"):
            return Decimal(cell)
    return None


# ------------------------------------------------------------------ the desk's files


def desk_lines(settings: Settings, home: Home) -> _Lines:
    """The lines of the desk's files that count, by file and column."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for one in read_desk(settings, home):
        for _, cells in one.lines:
            line = zip(one.file.columns, cells, strict=True)
            found[one.file.name].append(
                {name: cell for name, cell in line if cell is not None}
            )
    return found


def _with_lines(session_date: date, lines: _Lines, opening: Opening) -> Opening:
    """The opening with what the desk's files, and the project's own, say."""
    instrument_lines = {
        line.get("symbol_prefix", ""): InstrumentLine(
            line["instrument_type"],
            Decimal(line["multiplier"]) if line.get("multiplier") else None,
            line.get("currency"),
        )
        for line in _seed_then_desk("instrument_multipliers", lines)
    }
    suffixes = {
        line["symbol_suffix"]: line["currency"]
        for line in _seed_then_desk("currency_suffixes", lines)
    }
    cutoffs: dict[str, time | None] = {}
    for line in _in_force(_seed_then_desk("session_cutoffs", lines), session_date):
        told = line.get("cutoff_time")
        cutoffs[line.get("symbol_prefix", "")] = (
            time.fromisoformat(told) if told else None
        )
    rates = {
        line["currency"]: Decimal(line["rate"])
        for line in sorted(
            lines.get("exchange_rates", ()), key=lambda one: one["rate_date"]
        )
        if date.fromisoformat(line["rate_date"]) <= session_date
    }
    return Opening(
        state=opening.state,
        lots=opening.lots,
        accounts=opening.accounts,
        limits=opening.limits,
        marks=opening.marks,
        own_prices=opening.own_prices,
        open_costs=opening.open_costs,
        instrument_lines=instrument_lines,
        currency_suffixes=suffixes,
        cutoffs=tuple(Cutoff(prefix, at) for prefix, at in cutoffs.items()),
        rates=rates,
        fee_rates=opening.fee_rates,
        sessions=tuple(
            sessions_between(
                session_date - timedelta(days=31), session_date + timedelta(days=31)
            )
        ),
    )


def _since(line: Mapping[str, str]) -> date:
    told = line.get("valid_from")
    return date.fromisoformat(told) if told else date.min


def _in_force(
    lines: Iterable[dict[str, str]], session_date: date
) -> Iterator[dict[str, str]]:
    """Lines that hold on the date, the project's first, then by when they began."""
    for line in sorted(lines, key=lambda one: (one["told_by"], _since(one))):
        if _since(line) <= session_date:
            yield line


def _seed_then_desk(name: str, lines: _Lines) -> Iterator[dict[str, str]]:
    """The project's lines, then the desk's, which go before them."""
    with (SEEDS / f"{name}.csv").open(newline="") as handle:
        for line in csv.DictReader(handle):
            yield {"told_by": "1 project"} | {k: v for k, v in line.items() if v}
    for line in lines.get(name, ()):
        yield {"told_by": "2 desk"} | line
