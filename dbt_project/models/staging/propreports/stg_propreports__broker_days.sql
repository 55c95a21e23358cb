{#
    Grain: one row per account, date and instrument type of the broker's own daily
    summary (a version of it), as displayed: rounded to cents.
#}
with

source as (
    select * from {{ source('propreports', 'broker_days') }}
),

fee_columns as (
    select count(distinct fee_name) as columns_count
    from {{ source('propreports', 'broker_fees') }}
),

final as (
    select
        ---------- keys
        source.account_number,
        source.trade_date,
        source.content_hash,
        source.row_number,
        source.instrument_type,
        ---------- numbers
        source.orders_count,
        source.fills_count,
        source.quantity,
        fee_columns.columns_count as fee_columns_count,
        ---------- money
        source.gross_pnl,
        source.total_fees,
        source.fee_columns_amount,
        source.net_pnl,
        source.adjusted_net_pnl,
        source.unrealized_delta,
        source.total_delta,
        source.transfers_amount,
        source.cash_amount,
        source.unrealized_pnl,
        source.end_balance
    from source
    cross join fee_columns
)

select * from final
