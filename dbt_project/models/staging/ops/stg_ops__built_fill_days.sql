{#
    Grain: one row per account, date and calendar date of fills that the last finished build was made of.
    Written when a whole build, tests included, has succeeded: empty before the first.
#}
with

source as (
    select * from {{ source('ops', 'built_fill_days') }}
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        trade_date,
        ---------- version
        calendar_date,
        account_number,
        content_hash
    from source
)

select * from final
