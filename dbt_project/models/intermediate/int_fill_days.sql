{#
    Grain: one row per account and date with fills.
    Which version of its fills counts, and whose the account was: all that the models of
    fills are built from. What they were built from last is ops.built_fill_days.
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
)

select * from final
