{#
    Grain: one row per account, date and instrument type of the broker's own daily
    summary (a version of it), as displayed: rounded to cents.
#}
with

source as (
    select * from {{ source('propreports', 'broker_days') }}
),

final as (
    select
        ---------- keys
        account_number,
        trade_date,
        content_hash,
        row_number,
        instrument_type,
        ---------- numbers
        orders_count,
        fills_count,
        quantity,
        ---------- money
        gross_pnl,
        total_fees,
        net_pnl,
        adjusted_net_pnl,
        unrealized_delta,
        total_delta,
        transfers_amount,
        cash_amount,
        unrealized_pnl,
        end_balance
    from source
)

select * from final
