{#
    Grain: one row per adjustment of the current version of each account's day, whatever it
    is. daily_totals counts those with is_pnl; payouts and transfers are never P&L.
#}
with

adjustments as (
    select * from {{ ref('int_adjustments') }}
),

final as (
    select
        ---------- keys
        account_id,
        trade_date,
        cast(adjustment_number as bigint) as adjustment_number,
        trader_id,
        ---------- text
        category,
        adjustment_class,
        currency,
        ---------- money
        cast(local_amount as decimal(38, 8)) as local_amount,
        cast(adjustment_amount as decimal(38, 8)) as adjustment_amount,
        ---------- flags
        is_pnl
    from adjustments
)

select * from final
