{{ config(materialized='rebuilt', rebuilds='trader_days') }}
{#
    Grain: one row per trader and traded day.
    How large the day's regular fills were. Sums run over decimals, so that two builds of
    the same fills agree to the last bit.
#}
with

fills as (
    select
        fills_current.trader_id,
        fills_current.trade_date,
        fills_current.is_buy,
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
        trade_date,
        ---------- money
        sum(case when is_buy then notional else 0 end) as bought_notional,
        sum(notional) as notional,
        {{ population_stddev('notional') }} as stddev_fill_notional
    from fills
    group by trader_id, trade_date
)

select * from final
