{#
    Grain: one row per fill, of any version, whose session is not its calendar date.
    What has a cut-off trades in sessions: a fill at or after it belongs to the session
    after its date, one on a date without a session to the next. So no fill comes before
    an earlier one. Midnight stands for an unknown time, which is after no cut-off.
    is_applied: whether the session counts, or the calendar date (the desk has ended the
    cut-off), and the session is held against the broker only.
#}
with

cutoffs as (
    select
        symbol,
        valid_from,
        valid_to,
        cutoff_minute,
        is_applied
    from {{ ref('int_session_cutoffs') }}
),

fills as (
    select
        account_number,
        trade_date,
        content_hash,
        row_number,
        symbol,
        filled_at_et
    from {{ ref('stg_propreports__fills') }}
),

calendar_dates as (
    select distinct trade_date
    from {{ ref('stg_propreports__day_versions') }}
    where resource = 'fills'
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

date_sessions as (
    -- No exchange is closed for two weeks; beyond the calendar a date is its own.
    select
        calendar_dates.trade_date,
        coalesce(min(sessions.session_date), calendar_dates.trade_date) as session_date,
        coalesce(
            min(
                case
                    when sessions.session_date > calendar_dates.trade_date
                        then sessions.session_date
                end
            ),
            calendar_dates.trade_date
        ) as next_session_date
    from calendar_dates
    left join sessions
        on
            calendar_dates.trade_date <= sessions.session_date
            and sessions.session_date
            <= cast({{ dbt.dateadd('day', 14, 'calendar_dates.trade_date') }} as date)
    group by calendar_dates.trade_date
),

fills_placed as (
    select
        fills.account_number,
        fills.trade_date as calendar_date,
        fills.content_hash,
        fills.row_number,
        case
            when
                60 * extract(hour from fills.filled_at_et)
                + extract(minute from fills.filled_at_et) >= cutoffs.cutoff_minute
                then date_sessions.next_session_date
            else date_sessions.session_date
        end as session_date,
        cutoffs.is_applied
    from fills
    inner join cutoffs
        on
            fills.symbol = cutoffs.symbol
            and fills.trade_date >= cutoffs.valid_from
            and fills.trade_date < cutoffs.valid_to
    inner join date_sessions on fills.trade_date = date_sessions.trade_date
),

final as (
    select * from fills_placed
    where session_date <> calendar_date
)

select * from final
