{#
    Grain: one row per session of the exchange calendar, with its neighbors.
    The calendar ends about a year ahead, in the midst of a month: how many sessions that
    month and quarter still have is not known.
#}
with

sessions as (
    select
        session_date,
        opens_at_et,
        closes_at_et,
        is_early_close,
        {{ dbt.date_trunc('month', 'session_date') }} as session_month,
        {{ dbt.date_trunc('quarter', 'session_date') }} as session_quarter
    from {{ ref('stg_propreports__sessions') }}
),

sessions_placed as (
    select
        ---------- keys
        session_date,
        ---------- times
        opens_at_et,
        closes_at_et,
        ---------- flags
        is_early_close,
        ---------- neighbors
        lag(session_date) over (order by session_date) as previous_session_date,
        lead(session_date) over (order by session_date) as next_session_date,
        case
            when session_month < max(session_month) over ()
                then
                    count(*) over (
                        partition by session_month order by session_date
                        rows between 1 following and unbounded following
                    )
        end as sessions_to_month_end,
        case
            when session_quarter < max(session_quarter) over ()
                then
                    count(*) over (
                        partition by session_quarter order by session_date
                        rows between 1 following and unbounded following
                    )
        end as sessions_to_quarter_end
    from sessions
),

final as (
    select
        ---------- keys
        session_date,
        previous_session_date,
        next_session_date,
        ---------- numbers: Sunday is 0
        cast({{ day_of_week('session_date') }} as bigint) as day_of_week,
        cast(
            {{ dbt.datediff('opens_at_et', 'closes_at_et', 'minute') }} as bigint
        ) as session_minutes,
        cast(sessions_to_month_end as bigint) as sessions_to_month_end,
        cast(sessions_to_quarter_end as bigint) as sessions_to_quarter_end,
        ---------- flags
        is_early_close,
        sessions_to_month_end = 0 as is_month_end,
        sessions_to_quarter_end = 0 as is_quarter_end,
        ---------- times
        opens_at_et,
        closes_at_et,
        {{ to_utc('opens_at_et') }} as opens_at,
        {{ to_utc('closes_at_et') }} as closes_at
    from sessions_placed
)

select * from final
