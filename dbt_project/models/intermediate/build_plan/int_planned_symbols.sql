{#
    Grain: one row per account and symbol whose positions this run builds anew, from
    first_date on: what a planned day changes lives on in open lots and trips.
    The symbols of a planned day are those of its fills now and those it was built from.
#}
with

planned_days as (
    select
        account_id,
        trade_date
    from {{ ref('int_planned_account_days') }}
),

fill_days as (
    select
        account_id,
        trade_date,
        account_number,
        content_hash
    from {{ ref('int_fill_days') }}
),

previous_days as (
    select
        account_id,
        trade_date,
        account_number,
        content_hash
    from {{ ref('int_previous_fill_days') }}
),

fills as (
    select
        account_number,
        trade_date,
        content_hash,
        symbol
    from {{ ref('stg_propreports__fills') }}
),

planned_versions as (
    select
        planned_days.account_id,
        planned_days.trade_date,
        fill_days.account_number,
        fill_days.content_hash
    from planned_days
    inner join fill_days
        on
            planned_days.account_id = fill_days.account_id
            and planned_days.trade_date = fill_days.trade_date
    union
    select
        planned_days.account_id,
        planned_days.trade_date,
        previous_days.account_number,
        previous_days.content_hash
    from planned_days
    inner join previous_days
        on
            planned_days.account_id = previous_days.account_id
            and planned_days.trade_date = previous_days.trade_date
),

final as (
    select
        planned_versions.account_id,
        fills.symbol,
        min(planned_versions.trade_date) as first_date
    from planned_versions
    inner join fills
        on
            planned_versions.account_number = fills.account_number
            and planned_versions.trade_date = fills.trade_date
            and planned_versions.content_hash = fills.content_hash
    group by planned_versions.account_id, fills.symbol
)

select * from final
