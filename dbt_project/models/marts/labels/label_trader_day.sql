{#
    Grain: one row per trader and trader day D (int_trader_days) that has a later one.
    What happened next. Only training and evaluation may read it: it looks ahead by
    definition, so nothing upstream of a prediction may.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        gross_pnl,
        net_pnl,
        pnl_scale_20d
    from {{ ref('int_trader_days') }}
),

days_with_next as (
    select
        trader_id,
        trade_date,
        pnl_scale_20d,
        lead(trade_date) over (
            partition by trader_id order by trade_date
        ) as next_trade_date,
        lead(gross_pnl) over (
            partition by trader_id order by trade_date
        ) as next_gross_pnl,
        lead(net_pnl) over (partition by trader_id order by trade_date) as next_net_pnl
    from trader_days
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- what happened on the trader's next day
        next_trade_date,
        cast(next_gross_pnl as decimal(38, 8)) as next_gross_pnl,
        cast(next_net_pnl as decimal(38, 8)) as next_net_pnl,
        next_net_pnl < 0 as is_next_loss,
        next_gross_pnl < 0 as is_next_realised_loss,
        -- Below a dollar a scale is that of a trader who has not begun.
        {{ safe_divide('next_net_pnl', 'greatest(pnl_scale_20d, 1)') }}
            as next_net_pnl_scaled
    from days_with_next
    where next_trade_date is not null
)

select * from final
