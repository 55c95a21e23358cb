{#
    Grain: one row per trader and trader day (int_trader_days): the days on which a rule
    is tried, and the trader's usual day as it was known the evening before.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl,
        pnl_scale_20d
    from {{ ref('int_trader_days') }}
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- money
        cast(net_pnl as decimal(38, 8)) as net_pnl,
        {{ to_amount(
            'lag(pnl_scale_20d) over (partition by trader_id order by trade_date)'
        ) }} as usual_day_amount
    from trader_days
)

select * from final
