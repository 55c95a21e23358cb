{{ config(materialized='view') }}
{#
    Grain: one row per account and date of which all of the broker's positions are known,
    so that a symbol without a row is one that is not held there.
    That is a date with positions of the account, and every session that was read over the
    API: there a request for positions goes with each one for fills. Files list none, and a
    date with a line of positions that cannot be read is known of no account. Where the
    broker has never sent any position, nothing is known.
#}
with

broker_days as (
    select distinct
        account_id,
        trade_date
    from {{ ref('int_broker_positions') }}
),

day_versions as (
    select
        account_number,
        trade_date
    from {{ ref('int_day_versions_current') }}
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

accounts_read as (
    select
        account_number,
        last_read_date
    from {{ ref('stg_propreports__accounts_read') }}
),

past_sessions as (
    select sessions.session_date
    from {{ ref('stg_propreports__sessions') }} as sessions
    inner join {{ ref('stg_propreports__run_context') }} as run_context
        on
            sessions.session_date < run_context.as_of_date
            and run_context.source_name <> 'files'
),

unread_spans as (
    select distinct
        coalesce(trade_date, first_date) as first_date,
        coalesce(trade_date, last_date) as last_date
    from {{ ref('stg_propreports__quarantine') }}
    where resource = 'positions' and not is_loaded
),

first_broker_day as (
    select min(trade_date) as trade_date from broker_days
),

spans_read as (
    -- From the first date on which anything is known of the account.
    select
        accounts.account_id,
        min(day_versions.trade_date) as first_date,
        max(accounts_read.last_read_date) as last_date
    from day_versions
    inner join accounts on day_versions.account_number = accounts.account_number
    inner join accounts_read on accounts.account_number = accounts_read.account_number
    group by accounts.account_id
),

days_read as (
    select
        account_id,
        trade_date
    from broker_days
    union
    select
        spans_read.account_id,
        past_sessions.session_date as trade_date
    from spans_read
    inner join past_sessions
        on past_sessions.session_date between spans_read.first_date and spans_read.last_date
    inner join first_broker_day on first_broker_day.trade_date is not null
),

final as (
    select
        days_read.account_id,
        days_read.trade_date
    from days_read
    left join unread_spans
        on days_read.trade_date between unread_spans.first_date and unread_spans.last_date
    where unread_spans.first_date is null
)

select * from final
