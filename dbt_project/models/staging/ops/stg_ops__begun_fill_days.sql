{#
    Grain: one row per account, date, trader and version of its fills that a build has
    begun with since the last finished one: its rows may lie in some tables already. A day
    that was gone then has neither trader nor version.
#}
with

source as (
    select * from {{ source('ops', 'begun_fill_days') }}
),

final as (
    select distinct
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
