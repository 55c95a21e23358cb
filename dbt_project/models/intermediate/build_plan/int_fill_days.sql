{#
    Grain: one row per account and date with fills.
    Which version of its fills counts, and whose the account was: all that the models of
    fills are built from. What they were built from last is ops.built_fill_days.
    BUILD_THROUGH leaves out what is later and not built yet: so a first build takes one
    batch of dates after the other, and memory does not grow with history.
#}
with

day_versions as (
    select
        account_number,
        trade_date,
        content_hash,
        rows_count
    from {{ ref('int_day_versions_current') }}
    where resource = 'fills'
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

built_days as (
    select
        account_id,
        trade_date
    from {{ ref('stg_ops__built_fill_days') }}
),

opening_lots as (
    select
        account_id,
        account_number,
        trade_date,
        content_hash
    from {{ ref('int_opening_lots') }}
),

versions as (
    select
        accounts.account_id,
        day_versions.trade_date,
        day_versions.account_number,
        day_versions.content_hash,
        day_versions.rows_count
    from day_versions
    inner join accounts on day_versions.account_number = accounts.account_number
    union all
    -- What was held before the first day is a version of the date before.
    select
        account_id,
        trade_date,
        account_number,
        content_hash,
        count(*) as rows_count
    from opening_lots
    group by account_id, trade_date, account_number, content_hash
),

final as (
    select
        ---------- keys
        versions.account_id,
        account_traders.trader_id,
        versions.trade_date,
        ---------- version
        versions.account_number,
        versions.content_hash,
        ---------- numbers
        versions.rows_count as fills_count
    from versions
    inner join account_traders
        on
            versions.account_id = account_traders.account_id
            and versions.trade_date >= account_traders.valid_from
            and versions.trade_date < account_traders.valid_to
    left join built_days
        on
            versions.account_id = built_days.account_id
            and versions.trade_date = built_days.trade_date
    where
        versions.trade_date
        <= cast('{{ env_var("BUILD_THROUGH", "9999-12-31") }}' as date)
        or built_days.account_id is not null
)

select * from final
