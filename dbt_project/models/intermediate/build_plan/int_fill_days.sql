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

final as (
    select
        ---------- keys
        accounts.account_id,
        account_traders.trader_id,
        day_versions.trade_date,
        ---------- version
        day_versions.account_number,
        day_versions.content_hash,
        ---------- numbers
        day_versions.rows_count as fills_count
    from day_versions
    inner join accounts on day_versions.account_number = accounts.account_number
    inner join account_traders
        on
            accounts.account_id = account_traders.account_id
            and day_versions.trade_date >= account_traders.valid_from
            and day_versions.trade_date < account_traders.valid_to
    left join built_days
        on
            accounts.account_id = built_days.account_id
            and day_versions.trade_date = built_days.trade_date
    where
        day_versions.trade_date
        <= cast('{{ env_var("BUILD_THROUGH", "9999-12-31") }}' as date)
        or built_days.account_id is not null
)

select * from final
