{{ config(materialized='rebuilt', rebuilds='trader_days') }}
{# Grain: one row per trader, symbol and date with a regular fill. #}
with

fills as (
    select
        fills_current.trader_id,
        fills_current.symbol,
        fills_current.trade_date,
        fills_current.notional
    from {{ ref('int_fills_current') }} as fills_current
    inner join {{ ref('int_rebuilt_trader_days') }} as rebuilt_days
        on
            fills_current.trader_id = rebuilt_days.trader_id
            and fills_current.trade_date = rebuilt_days.trade_date
    where
        fills_current.is_counted
        and fills_current.is_regular
        and fills_current.trade_date between {{ batch_begins() }} and {{ batch_ends() }}
),

final as (
    select
        ---------- keys
        trader_id,
        symbol,
        trade_date,
        ---------- money
        sum(notional) as notional
    from fills
    group by trader_id, symbol, trade_date
)

select * from final
