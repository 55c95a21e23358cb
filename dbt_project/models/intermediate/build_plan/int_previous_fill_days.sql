{{ config(materialized='view') }}
{#
    Grain: one row per account, date, calendar date, trader and version of its fills that rows of the
    models of fills may be made of: those of the last finished build, and those of builds
    begun since, which failed or were killed after some tables were new.
#}
with

built_days as (
    select
        account_id,
        trader_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('stg_ops__built_fill_days') }}
),

begun_days as (
    select
        account_id,
        trader_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('stg_ops__begun_fill_days') }}
    where content_hash is not null
),

final as (
    select * from built_days
    union
    select * from begun_days
)

select * from final
