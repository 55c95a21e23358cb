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

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
    where is_in_desk_total
),

prices as (
    select * from {{ ref('int_session_prices') }}
),

returns as (
    select
        account_traders.trader_id,
        prices.symbol,
        prices.trade_date,
        case
            when prices.is_next_session
                then
                    {{ to_amount(safe_divide(
                        'prices.last_unit_price - prices.opening_unit_price',
                        'prices.opening_unit_price',
                    )) }}
        end as symbol_return
    from prices
    inner join account_traders
        on
            prices.account_id = account_traders.account_id
            and prices.trade_date >= account_traders.valid_from
            and prices.trade_date < account_traders.valid_to
),

symbol_returns as (
    select
        symbol,
        trade_date,
        {{ exact_mean('symbol_return') }} as symbol_return
    from returns
    group by symbol, trade_date
    having count(distinct trader_id) > 1
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
