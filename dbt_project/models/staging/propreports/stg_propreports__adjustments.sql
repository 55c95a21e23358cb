{# Grain: one row per adjustment (a version of it); positive is a credit. #}
with

source as (
    select * from {{ source('propreports', 'adjustments') }}
),

final as (
    select
        account_number,
        trade_date,
        content_hash,
        row_number,
        category,
        amount as adjustment_amount
    from source
)

select * from final
