{#
    Grain: one row per account, date with fills, and calendar date of the document that they
    stand in; lots that a corporate action converted are a document of their own.
    Which version of its fills counts, and whose the account was: all that the models of
    fills are built from. What they were built from last is ops.built_fill_days.
#}
with

document_days as (
    select
        account_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash,
        fills_count
    from {{ ref('int_document_days') }}
),

converted_lots as (
    select
        account_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('int_converted_lots') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

versions as (
    select * from document_days
    union all
    select
        account_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash,
        count(*) as fills_count
    from converted_lots
    group by account_id, trade_date, calendar_date, account_number, content_hash
),

final as (
    select
        ---------- keys
        versions.account_id,
        account_traders.trader_id,
        versions.trade_date,
        versions.calendar_date,
        ---------- version
        versions.account_number,
        versions.content_hash,
        ---------- numbers
        cast(versions.fills_count as bigint) as fills_count
    from versions
    inner join account_traders
        on
            versions.account_id = account_traders.account_id
            and versions.trade_date >= account_traders.valid_from
            and versions.trade_date < account_traders.valid_to
)

select * from final
