{#
    Grain: one row per account and date with a counted fill, or with a position carried
    through a session.
    Realized P&L is intraday FIFO first, then overnight FIFO; each match counts on the
    date of its later fill. Fees count on the date of their fill.
#}
with

account_days as (
    select * from {{ ref('int_account_days') }}
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        trade_date,
        ---------- numbers
        orders_count,
        fills_count,
        open_symbols_count,
        quantity,
        ---------- money
        gross_pnl,
        total_fees,
        net_pnl,
        adjustments_amount,
        unrealized_pnl,
        unrealized_delta,
        total_delta
    from account_days
)

select * from final
