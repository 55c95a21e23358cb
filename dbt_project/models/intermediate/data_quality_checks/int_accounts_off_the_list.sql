{{ config(materialized='view') }}
{#
    Grain: one row per account that the broker listed and does not any more, with a fill so
    shortly before it left that its trader was no inactive one. Whether it still trades
    is unknown: its fills are no longer sent. It stands until the account is listed again, or
    traders.csv lists the trader as inactive: they have left.
#}
with

accounts as (
    select
        account_id,
        is_listed,
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
    select
        account_id,
        cast(max(last_listed_at) as date) as last_listed_date
    from accounts
    group by account_id
    -- One of its numbers that is listed is enough.
    having
        max(case when is_listed then 1 else 0 end) = 0
        and max(last_listed_at) is not null
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
    left join sessions
        on
            fill_days.last_traded_date < sessions.session_date
            and run_context.prediction_date > sessions.session_date
            and accounts_off.last_listed_date > sessions.session_date
    group by accounts_off.account_id, fill_days.last_traded_date
    having count(sessions.session_date) <= {{ var('inactive_above_idle_sessions') }}
)

select * from final
