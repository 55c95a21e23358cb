{{ config(materialized='view') }}
{#
    Grain: one row per account that the broker listed and does not any more, with a fill so
    lately that its trader is no inactive one. Whether it trades on nobody knows: its
    fills are no longer sent. A trader whom traders.csv calls inactive has left.
#}
with

account_versions as (
    select
        account_number,
        is_listed,
        row_number() over (
            partition by account_number order by known_at desc
        ) as recency
    from {{ ref('stg_propreports__account_versions') }}
),

accounts as (
    select
        account_number,
        account_id,
        last_listed_at
    from {{ ref('int_accounts') }}
),

account_traders as (
    select
        account_id,
        trader_id
    from {{ ref('int_account_traders') }}
    where valid_to = {{ max_date() }}
),

active_traders as (
    select trader_id
    from {{ ref('dim_traders') }}
    where is_current and is_active
),

fill_days as (
    select
        account_id,
        max(trade_date) as last_traded_date
    from {{ ref('int_account_day_fills') }}
    where fills_count > 0
    group by account_id
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

accounts_off as (
    select accounts.account_id
    from accounts
    inner join account_versions
        on
            accounts.account_number = account_versions.account_number
            and account_versions.recency = 1
    group by accounts.account_id
    -- One of its numbers that is listed is enough.
    having
        max(case when account_versions.is_listed then 1 else 0 end) = 0
        and max(accounts.last_listed_at) is not null
),

final as (
    select
        accounts_off.account_id,
        fill_days.last_traded_date
    from accounts_off
    inner join account_traders on accounts_off.account_id = account_traders.account_id
    inner join active_traders on account_traders.trader_id = active_traders.trader_id
    inner join fill_days on accounts_off.account_id = fill_days.account_id
    cross join run_context
    inner join sessions
        on
            fill_days.last_traded_date < sessions.session_date
            and run_context.prediction_date > sessions.session_date
    group by accounts_off.account_id, fill_days.last_traded_date
    having count(*) <= {{ var('inactive_above_idle_sessions') }}
)

select * from final
