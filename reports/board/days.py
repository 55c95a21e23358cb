"""Traders' sessions fill by fill: a data file for each month, read when opened."""

import duckdb

from reports.board.site import Site
from reports.names import slug
from runtime.sessions import EASTERN

# Of which fills and trades are at hand; days before have their totals alone.
YEARS = 2
_SECONDS = (
    f"cast(epoch(timezone('{EASTERN.key}', timezone('UTC', {{0}}))) "
    "- epoch(cast(closed_date as timestamp)) as bigint)"
)
# As short as it can be: most quantities are whole.
_NUMBER = (
    "case when {0} = trunc({0}) then to_json(cast({0} as hugeint)) "
    "else to_json(cast({0} as double)) end"
)
# Lists of a day's fills in order: seconds since the one before (the first since
# midnight, Eastern, of the trade date; an evening's is below zero), cents that it added
# to the trader's net P&L of the day, the place of its symbol among the day's, quantity,
# price.
_FILLS = f"""
    select trader_id, trade_date, to_json({{
        'symbols': list(distinct symbol order by symbol),
        'seconds': list(seconds - seconds_before order by day_sequence),
        'cents': list(cents - cents_before order by day_sequence),
        'places': list(place order by day_sequence),
        'quantities': list({_NUMBER.format("signed_quantity")} order by day_sequence),
        'prices': list({_NUMBER.format("price")} order by day_sequence)
    }}) as fills
    from (
        select *, coalesce(lag(seconds) over days, 0) as seconds_before,
            coalesce(lag(cents) over days, 0) as cents_before,
            dense_rank() over (
                partition by trader_id, trade_date order by symbol
            ) - 1 as place
        from (
            select *,
                cast(round(100 * cumulative_net_pnl) as bigint) as cents,
                cast(
                    epoch(filled_at_et) - epoch(cast(trade_date as timestamp)) as bigint
                ) as seconds
            from marts.fct_fills
            where is_counted and has_fill_time and trader_id is not null
                and cumulative_net_pnl is not null
        )
        window days as (partition by trader_id, trade_date order by day_sequence)
    )
    group by trader_id, trade_date
"""
# Of a trade: when it was opened and closed (seconds since that midnight; the date,
# where it was opened on another), whether it is long, symbol, largest quantity, entry,
# exit, fees and net of the whole trade.
_TRADES = f"""
    select trader_id, closed_date as trade_date, to_json(list(json_array(
        case when opened_date = closed_date and opened_at is not null
            then to_json({_SECONDS.format("opened_at")})
            else to_json(cast(opened_date as varchar)) end,
        {_SECONDS.format("closed_at")}, cast(side = 'long' as int), symbol,
        {_NUMBER.format("peak_quantity")},
        cast(round(average_entry_price, 4) as double),
        cast(round(average_exit_price, 4) as double),
        cast(round(total_fees, 2) as double), cast(round(net_pnl, 2) as double)
    ) order by closed_at, opened_at, symbol)) as trades
    from marts.fct_round_trips where is_closed and trader_id is not null
    group by trader_id, closed_date
"""


def write_days(site: Site, connection: duckdb.DuckDBPyConnection) -> None:
    """Write `data/<trader>/<month>.js`: by date, fills and trades."""
    found = connection.execute(
        f"""
        with fills as ({_FILLS}), trades as ({_TRADES}),
        days as (
            select trader_id, trade_date, fills, trades
            from fills full join trades using (trader_id, trade_date)
        )
        select trader_id, strftime(trade_date, '%Y-%m') as month,
            '{{' || string_agg(
                '"' || trade_date || '":{{"fills":' || coalesce(fills, 'null')
                || ',"trades":' || coalesce(trades, '[]') || '}}',
                ',' order by trade_date
            ) || '}}' as days
        from days
        where trade_date > (select max(trade_date) from days) - interval {YEARS} year
        group by trader_id, month
        """
    )
    # Some at a time, for a large desk has many.
    while some := found.fetchmany(100):
        for trader, month, days in some:
            name = f"data/{slug(trader)}/{month}.js"
            # JSON by the database: Python would take ten times as long.
            site.write_text(name, f'board.take("{name}",{days});')
