{# Grain: one row per account, date and symbol held at the date's end (a version of it). #}
with

source as (
    select * from {{ source('propreports', 'positions') }}
),

final as (
    select
        account_number,
        trade_date,
        content_hash,
        row_number,
        symbol,
        quantity,
        average_price,
        close_price,
        unrealized_pnl
    from source
)

select * from final
