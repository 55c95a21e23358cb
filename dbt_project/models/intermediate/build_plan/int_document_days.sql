{#
    Grain: one row per account, date with fills, and calendar date of the document that they
    stand in: a session of futures begins on the evening before.
    Which version of its fills counts, opening lots included; what corporate actions make of
    them comes after (int_fill_days).
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

moved_fills as (
    select
        account_number,
        calendar_date,
        content_hash,
        session_date as trade_date,
        count(*) as rows_count
    from {{ ref('int_session_dates') }}
    where is_applied
    group by account_number, calendar_date, content_hash, session_date
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

built_days as (
    select
        account_id,
        trade_date,
        calendar_date
    from {{ ref('stg_ops__built_fill_days') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

opening_lots as (
    select
        account_id,
        account_number,
        trade_date,
        content_hash
    from {{ ref('int_opening_lots') }}
),

day_parts as (
    -- What stays on the calendar date, and what belongs to a later session.
    select
        day_versions.account_number,
        day_versions.trade_date as calendar_date,
        day_versions.content_hash,
        day_versions.trade_date,
        day_versions.rows_count - sum(coalesce(moved_fills.rows_count, 0)) as rows_count
    from day_versions
    left join moved_fills
        on
            day_versions.account_number = moved_fills.account_number
            and day_versions.trade_date = moved_fills.calendar_date
            and day_versions.content_hash = moved_fills.content_hash
    group by
        day_versions.account_number,
        day_versions.trade_date,
        day_versions.content_hash,
        day_versions.rows_count
    union all
    select
        moved_fills.account_number,
        moved_fills.calendar_date,
        moved_fills.content_hash,
        moved_fills.trade_date,
        moved_fills.rows_count
    from moved_fills
    inner join day_versions
        on
            moved_fills.account_number = day_versions.account_number
            and moved_fills.calendar_date = day_versions.trade_date
            and moved_fills.content_hash = day_versions.content_hash
),

versions as (
    -- A session that is not over on the morning of AS_OF is held back whole.
    select
        accounts.account_id,
        day_parts.trade_date,
        day_parts.calendar_date,
        day_parts.account_number,
        day_parts.content_hash,
        day_parts.rows_count
    from day_parts
    inner join accounts on day_parts.account_number = accounts.account_number
    inner join run_context on day_parts.trade_date < run_context.as_of_date
    where day_parts.rows_count > 0
    union all
    -- What was held before the first day is a version of the date before.
    select
        account_id,
        trade_date,
        trade_date as calendar_date,
        account_number,
        content_hash,
        count(*) as rows_count
    from opening_lots
    group by account_id, trade_date, account_number, content_hash
),

final as (
    select
        versions.account_id,
        versions.trade_date,
        versions.calendar_date,
        versions.account_number,
        versions.content_hash,
        cast(versions.rows_count as bigint) as fills_count
    from versions
    left join built_days
        on
            versions.account_id = built_days.account_id
            and versions.trade_date = built_days.trade_date
            and versions.calendar_date = built_days.calendar_date
    where
        versions.trade_date <= {{ last_built_date() }}
        or built_days.account_id is not null
)

select * from final
