{{ config(meta={'planned_by': 'documents'}) }}
{# Grain: one row per fill version and fee that is not zero; positive is a cost. #}
with

source as (
    select * from {{ source('propreports', 'fill_fees') }}
),

final as (
    select
        account_number,
        trade_date,
        content_hash,
        row_number,
        fee_name,
        amount as fee_amount
    from source
)

select * from final
