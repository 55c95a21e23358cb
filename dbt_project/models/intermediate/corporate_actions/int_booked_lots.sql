{{ config(materialized='view') }}
{#
    Grain: one row per lot that is booked as a journal entry, though no document has it: what
    was held before an account's first day, and what corporate actions convert.
#}
with

opening_lots as (
    select
        account_id,
        account_number,
        trade_date,
        trade_date as calendar_date,
        content_hash,
        row_number,
        symbol,
        cast(null as string) as currency,
        'OPENING' as fill_status,
        signed_quantity,
        price
    from {{ ref('int_opening_lots') }}
),

converted_lots as (
    select
        account_id,
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        row_number,
        symbol,
        currency,
        'CONVERTED' as fill_status,
        signed_quantity,
        price
    from {{ ref('int_converted_lots') }}
),

final as (
    select * from opening_lots
    union all
    select * from converted_lots
)

select * from final
