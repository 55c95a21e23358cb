{#
    Grain: one row per date on which a trader of the desk had P&L: what the desk made, and
    the market of the symbols that two of its traders or more traded that date.
    The market is the mean of those symbols' returns since the session before, at the last
    own fills; on a date without such a symbol it is unknown.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl
    from {{ ref('int_trader_days') }}
),

symbol_returns as (
    select
        trade_date,
        symbol_return
    from {{ ref('int_symbol_returns') }}
),

markets as (
    select
        trade_date,
        count(symbol_return) as market_symbols_count,
        {{ exact_mean('symbol_return') }} as market_return
    from symbol_returns
    group by trade_date
),

desk_days as (
    select
        trade_date,
        count(*) as traders_count,
        {{ sum_if_known('net_pnl') }} as net_pnl
    from trader_days
    group by trade_date
),

final as (
    select
        ---------- keys
        desk_days.trade_date,
        ---------- numbers
        desk_days.traders_count,
        coalesce(markets.market_symbols_count, 0) as market_symbols_count,
        markets.market_return,
        ---------- money
        desk_days.net_pnl
    from desk_days
    left join markets on desk_days.trade_date = markets.trade_date
)

select * from final
